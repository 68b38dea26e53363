"""Sorted scores: distinct values, counts below them, and keys of integers in the same order."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError

Scores = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint32]
Number = TypeVar("Number", bound=np.generic)

#: Values searched at once: with the stretch of scores between them they stay in the processor's cache.
_BLOCK = 1 << 12


def refuse_nonfinite(run: Scores) -> None:
    """Raise PluginError where a sorted run holds NaN or an infinity: sorting puts them at its ends."""
    if run.size and not (np.isfinite(run[0]) and np.isfinite(run[-1])):
        raise PluginError("an anomaly score is NaN or infinite", hint="maps must be finite in the brain")


def distinct(run: npt.NDArray[Number]) -> tuple[npt.NDArray[Number], Counts]:
    """The distinct values of a sorted run, ascending, and how often each is there."""
    if not run.size:
        return run.copy(), np.zeros(0, np.int64)
    first = np.flatnonzero(run[1:] != run[:-1]) + 1
    first = np.concatenate([np.zeros(1, first.dtype), first])
    return run[first], np.diff(first, append=run.size)


def add_counts(run: Scores, values: Scores, below: Counts, up_to: Counts) -> None:
    """Add, for each of the ascending values (K,), how much of a sorted run is below it, and below or equal."""
    for start in range(0, values.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        wanted = values[part]
        low = int(run.searchsorted(wanted[0], "left"))
        stretch = run[low : int(run.searchsorted(wanted[-1], "right"))]
        left = stretch.searchsorted(wanted, "left")
        below[part] += left + low
        if stretch.size:  # only a value that is there is searched again
            tied = np.flatnonzero(stretch.take(left, mode="clip") == wanted)
            left[tied] = stretch.searchsorted(wanted[tied], "right")
        up_to[part] += left + low


def at_or_above(run: Scores, threshold: float) -> int:
    """How much of a sorted run is at or above a threshold."""
    # A Python float would widen the run to float64 first; `map >= threshold` narrows the threshold, too.
    return int(run.size - np.searchsorted(run, run.dtype.type(threshold), side="left"))


def keys(scores: Scores) -> Keys:
    """Integers in the order of the scores, equal where scores are equal; float64 is rounded to float32 first."""
    with np.errstate(over="ignore"):
        bits = (scores.astype(np.float32) + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    # Of a negative float all bits are turned over, of another the sign alone.
    return bits.view(np.uint32) ^ ((bits >> 31).view(np.uint32) | np.uint32(1 << 31))
