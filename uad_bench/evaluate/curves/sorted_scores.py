"""Sorted scores: distinct values, counts below given values, and integers in the order of the scores."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError

Scores = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint32]
Number = TypeVar("Number", bound=np.generic)

#: Values searched together: they and the scores between them stay in the processor's cache.
_BLOCK = 1 << 12


def refuse_nonfinite(run: Scores) -> None:
    """Raise PluginError for NaN or an infinity in a sorted array: sorting puts them at its ends."""
    if run.size and not (np.isfinite(run[0]) and np.isfinite(run[-1])):
        raise PluginError("an anomaly score is NaN or infinite", hint="maps must be finite in the brain")


def distinct(run: npt.NDArray[Number]) -> tuple[npt.NDArray[Number], Counts]:
    """The distinct values of a sorted array, ascending, and how often each occurs.

    >>> distinct(np.array([1, 1, 4]))
    (array([1, 4]), array([2, 1]))
    """
    if not run.size:
        return run.copy(), np.zeros(0, np.int64)
    # Written into two arrays: a pool has millions of rows.
    changes = np.flatnonzero(run[1:] != run[:-1])
    first = np.zeros(changes.size + 1, np.int64)
    np.add(changes, 1, out=first[1:])
    del changes
    times = np.empty_like(first)
    np.subtract(first[1:], first[:-1], out=times[:-1])
    times[-1] = run.size - first[-1]
    return run[first], times


def add_counts(run: Scores, values: Scores, below: Counts, up_to: Counts) -> None:
    """Add to `below` and `up_to`, (K,), the number of scores of a sorted array below each value, and below or equal.

    values: ascending, (K,).

    >>> below, up_to = np.zeros(2, np.int64), np.zeros(2, np.int64)
    >>> add_counts(np.array([1.0, 2, 2, 3]), np.array([2.0, 5]), below, up_to)
    >>> below, up_to
    (array([1, 4]), array([3, 4]))
    """
    for start in range(0, values.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        wanted = values[part]
        low = int(run.searchsorted(wanted[0], "left"))
        stretch = run[low : int(run.searchsorted(wanted[-1], "right"))]
        left = stretch.searchsorted(wanted, "left")
        below[part] += left + low
        if stretch.size:  # only a value that occurs is searched a second time
            tied = np.flatnonzero(stretch.take(left, mode="clip") == wanted)
            left[tied] = stretch.searchsorted(wanted[tied], "right")
        up_to[part] += left + low


def at_or_above(run: Scores, threshold: float) -> int:
    """The number of scores of a sorted array at or above a threshold.

    >>> at_or_above(np.float32([1, 2, 3]), 2.0)
    2
    """
    # The threshold is rounded to the precision of the scores, as numpy does for `map >= threshold`.
    return int(run.size - np.searchsorted(run, run.dtype.type(threshold), side="left"))


def rank_of_quantile(n: int, percent: int) -> int:
    """The rank, from 0, of the `percent` % quantile of n > 0 scores; between two of them, that of the higher one.

    In integers: `np.quantile` multiplies in the precision of the scores, and takes a neighbour of this rank for one in
    twenty of the sizes above 262,144 float32 scores (99 %), or where the share has no exact float (55 % of 101).

    >>> rank_of_quantile(101, 55), rank_of_quantile(300_000, 99)
    (55, 297000)
    """
    return -(-(n - 1) * percent // 100)


def keys(scores: Scores) -> Keys:
    """32-bit integers in the order of the scores, equal where scores are equal; float64 is first rounded to float32.

    >>> keys(np.float32([-1, -0.0, 0.0, 2])).argsort(kind="stable")
    array([0, 1, 2, 3])
    """
    with np.errstate(over="ignore"):
        bits = (scores.astype(np.float32) + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    # All bits of a negative float are inverted, of any other float the sign bit only.
    return bits.view(np.uint32) ^ ((bits >> 31).view(np.uint32) | np.uint32(1 << 31))
