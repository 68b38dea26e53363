"""Fast short convolutions with three taps, without multiplications by padding (Toom-Cook).

Along one axis a convolution of n values is bilinear in the values x and the taps g, so it can be written as

  y = after @ ((taps @ g) * (before @ x))

with constant matrices and m products in between. The minimal number is due to Toom and Cook (Winograd 1980,
"Arithmetic Complexity of Computations"; for networks Lavin and Gray 2016): evaluate both polynomials at m
points, multiply, interpolate. The algebra is exact. In two dimensions the matrices apply along both axes: m^2
products.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

#: Finite evaluation points, in addition to infinity; with 1/2 and -2 rounding errors are half those of 2 and -2.
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
LONGEST = 4  # values per transform: six points for three taps; more lose accuracy in float32


class Bilinear(NamedTuple):
    """Matrices of a bilinear algorithm, float64: before (m, n), taps (m, 3), after (outputs, m)."""

    before: Matrix
    taps: Matrix
    after: Matrix


def same(n: int) -> Bilinear:
    """Stride 1, padding 1: y_i = g_0 x_(i-1) + g_1 x_i + g_2 x_(i+1), n outputs; 11 products for n = 7, 6 for 4."""
    if n == 1:
        return Bilinear(np.ones((1, 1)), np.array([[0.0, 1, 0]]), np.ones((1, 1)))
    if n == 2:  # a Toeplitz matrix of 2x2: three products instead of four
        before, after = np.array([[1.0, 1], [0, 1], [1, 0]]), np.array([[1.0, 1, 0], [1, 0, 1]])
        return Bilinear(before, np.array([[0.0, 1, 0], [0, -1, 1], [1, -1, 0]]), after)
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

    Even values are multiplied by one tap, odd values by two: a product of polynomials (x_1, x_3, ...)(g_2,
    g_0).
    """
    outputs = (n + 1) // 2
    pieces = [Bilinear(np.eye(n)[::2], np.tile([0.0, 1, 0], (outputs, 1)), np.eye(outputs))]
    first = 0
    for length in _even_lengths(n // 2, 3):
        part = product(length, 2)
        odd = slice(2 * first + 1, 2 * (first + length), 2)
        before, after = _placed(part, n, odd, rows=outputs + 1, first=first)
        taps = part.taps[:, [1, 0]] @ np.array([[1.0, 0, 0], [0, 0, 1]])  # columns g_2, g_0 in the order of g
        pieces.append(Bilinear(before, taps, after[:outputs]))
        first += length
    return _joined(pieces)


def product(length: int, taps: int) -> Bilinear:
    """All length + taps - 1 coefficients of the product of two polynomials, with as many products (Toom-Cook).

    Coefficients are in increasing order, for values, taps and result. Rows are scaled so that neither the
    sums of values nor the sums of products exceed their largest term; the inverse scale is applied to the
    taps, which are transformed once and in float64.
    """
    outputs = length + taps - 1
    full, before, at_taps = (_powers(outputs, terms) for terms in (outputs, length, taps))
    after = np.linalg.inv(full)
    of_values, of_products = abs(before).sum(1, keepdims=True), abs(after).sum(0)
    return Bilinear(before / of_values, at_taps * of_values * of_products[:, None], after / of_products)


def _powers(points: int, terms: int) -> Matrix:
    """(points, terms): row p evaluates a polynomial at point p, the last row gives its leading coefficient."""
    finite = np.vander(POINTS[: points - 1], terms, increasing=True)
    return np.vstack([finite, np.eye(terms)[-1]])


def _even_lengths(total: int, most: int) -> list[int]:
    """`total` as a sum of as few, nearly equal lengths up to `most` as possible."""
    parts = -(-total // most)
    return [total // parts + (i < total % parts) for i in range(parts)]


def _placed(part: Bilinear, n: int, values: slice, rows: int, first: int) -> tuple[Matrix, Matrix]:
    """`before` on `values` of n, `after` from row `first` of `rows`; overlapping parts are added."""
    before, after = np.zeros((len(part.before), n)), np.zeros((rows, len(part.before)))
    before[:, values] = part.before
    after[first : first + len(part.after)] = part.after
    return before, after


def _joined(pieces: list[Bilinear]) -> Bilinear:
    """Sum of several algorithms, without products that no output uses."""
    before, taps = (np.vstack([piece[i] for piece in pieces]) for i in (0, 1))
    after = np.hstack([piece.after for piece in pieces])
    read = abs(after).sum(0) > 0
    return Bilinear(before[read], taps[read], after[:, read])
