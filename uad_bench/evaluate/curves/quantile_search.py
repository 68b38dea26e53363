"""The threshold of a false-positive rate, exactly, in passes over a source of scores that store none of them.

A pass counts the negatives by the next 18 bits of their score, among those whose higher bits are those of the score of
the wanted rank. Converted to float64, float32 scores differ in at most 35 bits: two passes find the score,
independently of the scale of the maps. float64 scores take four passes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.operating_points import Counts, Scores
from uad_bench.evaluate.curves.sorted_scores import refuse_nonfinite

_BITS = 18


@dataclass
class _Search:
    """prefix: the bits that are known. above: the number of negatives with a greater prefix."""

    prefix: int = 0
    above: int = 0


class RateThresholds:
    """The lowest thresholds at which at most some percentages of the negatives are called anomalous.

    Give the negatives of every volume to `add`, end the pass with `end_pass`, and repeat until `done`: every pass has
    to have the same voxels, in any order. It takes 2 MiB for each percentage.

    >>> search = RateThresholds([25])
    >>> while not search.done:
    ...     search.add(np.float32([4, 1]))
    ...     search.add(np.float32([2, 3]))
    ...     search.end_pass()
    >>> round(search.threshold(25), 5)  # just above 3: one of the four scores is at or above it
    3.0
    """

    def __init__(self, percents: Iterable[int]) -> None:
        self._searches = {percent: _Search() for percent in percents}
        self._dtype: np.dtype[Any] = np.dtype(np.float16)
        self._n, self._first, self._unknown = 0, True, 64
        self._tables = self._empty()

    @property
    def done(self) -> bool:
        """Whether `threshold` has its answer."""
        known = self._unknown <= (0 if self._dtype.itemsize > 4 else 64 - 2 * _BITS)
        return not self._searches or (not self._first and (known or not self._n))

    def add(self, negatives: Scores) -> None:
        """Count the negatives of a volume, in any order. Raises PluginError for a score that is not finite."""
        if self.done or not negatives.size:
            return
        if self._first:
            refuse_nonfinite(np.array([negatives.min(), negatives.max()]))
            self._n += negatives.size
            self._dtype = np.result_type(self._dtype, negatives)
        ranks = _ranks(negatives)
        for prefix in self._tables:
            inside = ranks if self._first else ranks[ranks >> np.uint64(self._unknown) == prefix]
            mask = np.uint64((1 << (self._unknown - self._right)) - 1)
            digits = inside >> np.uint64(self._right) & mask
            self._tables[prefix] += np.bincount(digits.astype(np.int64), minlength=1 << _BITS)

    def end_pass(self) -> None:
        """All volumes were added: determine the next bits."""
        if self.done:
            return
        for percent, search in self._searches.items():
            table = self._tables[search.prefix]
            above = search.above + int(table.sum()) - np.cumsum(table)
            # The lowest digit with few enough negatives above it; the score itself is one too many.
            digit = int(np.argmax(above <= percent * self._n // 100))
            search.prefix = (search.prefix << (self._unknown - self._right)) + digit
            search.above = int(above[digit])
        self._first, self._unknown = False, self._right
        self._tables = self._empty()

    def threshold(self, percent: int) -> float | None:
        """The lowest threshold at which at most `percent` % of the negatives are called; None without a negative."""
        if not self._n:
            return None
        low = (1 << self._unknown) - 1
        rank = self._searches[percent].prefix << self._unknown
        bits = rank ^ 1 << 63 if rank >> 63 else ~(rank | low) & (1 << 64) - 1
        score = self._dtype.type(np.array(bits, np.uint64).view(np.float64))
        with np.errstate(over="ignore"):
            return float(np.nextafter(score, self._dtype.type(np.inf))) + 0.0

    @property
    def _right(self) -> int:
        """The number of bits that are still unknown after this pass."""
        return max(0, self._unknown - _BITS)

    def _empty(self) -> dict[int, Counts]:
        return {search.prefix: np.zeros(1 << _BITS, np.int64) for search in self._searches.values()}


def _ranks(scores: Scores) -> npt.NDArray[np.uint64]:
    """64-bit integers in the order of the scores, equal where scores are equal."""
    bits = (scores.astype(np.float64) + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return bits.view(np.uint64) ^ ((bits >> 63).view(np.uint64) | np.uint64(1 << 63))
