"""Medians of many windows at once, by a network of minima and maxima of whole arrays.

Of the values of a window, half and two more are compared first: the lowest and the highest of them cannot be the
median, and are replaced by one value that was not compared yet, until one value is left (forgetful selection). The
comparisons are the same for every window, so that each is one vectorised operation for some thousand windows.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from uad_bench.types import FloatArray


class Exchange(NamedTuple):
    """The lower of two values goes to the first place, the higher to the second, where they are needed later."""

    first: int
    second: int
    lower: bool
    higher: bool


@cache
def median_network(n: int) -> tuple[tuple[Exchange, ...], int]:
    """The exchanges among n places, n odd and at least 3, and the place of the median after them.

    >>> exchanges, place = median_network(3)
    >>> [(one.first, one.second) for one in exchanges], place
    ([(0, 2), (0, 1), (1, 2)], 1)
    """
    places, later = list(range(n // 2 + 2)), list(range(n // 2 + 2, n))
    pairs: list[tuple[int, int]] = []
    while len(places) > 1:
        pairs += _ends_first(places)
        places = places[1:-1] + later[:1]
        del later[:1]
    return _needed(pairs, places[0]), places[0]


def _ends_first(places: list[int]) -> list[tuple[int, int]]:
    """Exchanges after which the lowest value is at the first of the places and the highest at the last one."""
    first, *middle, last = places
    pairs = [(first, last)]
    for one, other in zip(middle[::2], middle[1::2], strict=False):
        pairs += [(one, other), (first, one), (other, last)]
    if len(middle) % 2:
        pairs += [(first, middle[-1]), (middle[-1], last)]
    return pairs


def _needed(pairs: Sequence[tuple[int, int]], result: int) -> tuple[Exchange, ...]:
    """The exchanges on which the result depends, without the values that nothing depends on."""
    needed, found = {result}, list[Exchange]()
    for first, second in reversed(pairs):
        if needed & {first, second}:
            found.append(Exchange(first, second, first in needed, second in needed))
            needed |= {first, second}
    return tuple(reversed(found))


def medians(columns: list[FloatArray]) -> FloatArray:
    """The medians of windows, (windows,). columns: of an odd number of values, (windows,) each; they are overwritten.

    No value is NaN. Each median is one of the values, with its bits, except for the sign of a zero.

    >>> medians([np.array([3.0, 1.0]), np.array([1.0, 7.0]), np.array([2.0, 5.0])])
    array([2., 5.])
    """
    exchanges, result = median_network(len(columns))
    spare = np.empty_like(columns[0])
    for first, second, lower, higher in exchanges:
        one, other = columns[first], columns[second]
        if lower:
            np.minimum(one, other, out=spare)
        if higher:
            np.maximum(one, other, out=other)
        if lower:
            columns[first], spare = spare, one
    return columns[result]
