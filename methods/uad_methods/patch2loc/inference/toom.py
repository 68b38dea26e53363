"""Short convolutions of three taps with few multiplications: what a small map's edges leave of a convolution.

Along one axis a convolution over n values is bilinear in values x and taps g, so it can be written

    y = after @ ((taps @ g) * (before @ x))

with constant matrices and m products in the middle. Fewest by Toom and Cook (Winograd 1980, "Arithmetic Complexity
of Computations"; for networks Lavin and Gray 2016): evaluate both polynomials at m points, multiply, interpolate.
The algebra is exact. Taps on padding are never multiplied. Two axes take the same matrices twice: m² products.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

#: Finite points of evaluation; one at infinity completes them. ±1/2, ±2 together round half as much as ±1, ±2.
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
LONGEST = 4  # values evaluated at once: six points for three taps; with more, float32 rounds visibly


class Bilinear(NamedTuple):
    """before: (m, n), taps: (m, 3), after: (outputs, m); float64."""

    before: Matrix
    taps: Matrix
    after: Matrix


def same(n: int) -> Bilinear:
    """Stride 1, padding 1: y_i = g_0 x_(i-1) + g_1 x_i + g_2 x_(i+1), n outputs; 11 products for n = 7, 6 for 4."""
    if n == 1:
        return Bilinear(np.ones((1, 1)), np.array([[0.0, 1, 0]]), np.ones((1, 1)))
    if n == 2:  # a Toeplitz matrix of 2×2: three products in the place of four
        before = np.array([[1.0, 1], [0, 1], [1, 0]])
        return Bilinear(
            before, np.array([[0.0, 1, 0], [0, -1, 1], [1, -1, 0]]), np.array([[1.0, 1, 0], [1, 0, 1]])
        )
    pieces, first = [], 0
    for length in _even_lengths(n, LONGEST):
        part = product(length, 3)
        places = slice(first, first + length)
        before, after = _placed(part, n, places, rows=n + 2, first=first)
        pieces.append(Bilinear(before, part.taps[:, ::-1], after[1 : n + 1]))
        first += length
    return _joined(pieces)


def halved(n: int) -> Bilinear:
    """Stride 2, padding 1: y_i = g_0 x_(2i-1) + g_1 x_2i + g_2 x_(2i+1), ceil(n / 2) outputs; 8 products for n = 7.

    Each even value meets one tap. The odd ones meet two: that is a product of polynomials (x_1, x_3, ...)(g_2, g_0).
    """
    outputs = (n + 1) // 2
    pieces = [Bilinear(np.eye(n)[::2], np.tile([0.0, 1, 0], (outputs, 1)), np.eye(outputs))]
    first = 0
    for length in _even_lengths(n // 2, 3):
        part = product(length, 2)
        odd = slice(2 * first + 1, 2 * (first + length), 2)
        before, after = _placed(part, n, odd, rows=outputs + 1, first=first)
        taps = part.taps[:, [1, 0]] @ np.array(
            [[1.0, 0, 0], [0, 0, 1]]
        )  # columns g_2, g_0 to where g has them
        pieces.append(Bilinear(before, taps, after[:outputs]))
        first += length
    return _joined(pieces)


def product(length: int, taps: int) -> Bilinear:
    """All length + taps - 1 coefficients of the product of two polynomials, in as many products (Toom-Cook).

    Coefficients go upwards, of values, taps and result. Scaled so that neither sum of values nor sum of products
    outgrows its largest term; what that takes is moved into the taps, which are transformed once and in float64.
    """
    wanted = length + taps - 1
    full, before, at_taps = (_powers(wanted, terms) for terms in (wanted, length, taps))
    after = np.linalg.inv(full)
    of_values, of_products = abs(before).sum(1, keepdims=True), abs(after).sum(0)
    return Bilinear(before / of_values, at_taps * of_values * of_products[:, None], after / of_products)


def _powers(points: int, terms: int) -> Matrix:
    """(points, terms): row p gives a polynomial's value at point p; the last one, at infinity, its leading term."""
    finite = np.vander(POINTS[: points - 1], terms, increasing=True)
    return np.vstack([finite, np.eye(terms)[-1]])


def _even_lengths(total: int, most: int) -> list[int]:
    """`total` as a sum of as few lengths up to `most` as there can be, all nearly alike."""
    parts = -(-total // most)
    return [total // parts + (i < total % parts) for i in range(parts)]


def _placed(part: Bilinear, n: int, values: slice, rows: int, first: int) -> tuple[Matrix, Matrix]:
    """`before` on `values` of n, `after` from row `first` of `rows`: parts are added where they overlap."""
    before, after = np.zeros((len(part.before), n)), np.zeros((rows, len(part.before)))
    before[:, values] = part.before
    after[first : first + len(part.after)] = part.after
    return before, after


def _joined(pieces: list[Bilinear]) -> Bilinear:
    """The sum of several; products that no output reads are left out."""
    before, taps = (np.vstack([piece[i] for piece in pieces]) for i in (0, 1))
    after = np.hstack([piece.after for piece in pieces])
    read = abs(after).sum(0) > 0
    return Bilinear(before[read], taps[read], after[:, read])
