"""The score of a rank among all negatives of a source, exactly, in passes that keep none of them.

A pass counts, by their next 18 bits, the negatives whose higher bits are those of the score that is sought. As
float64, a float32 has 35 bits that may differ: two passes know it, whatever the maps' scale; a float64 takes four.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.operating_points import Counts, Scores
from uad_bench.evaluate.curves.sorted_scores import refuse_nonfinite

_DIGIT = 18


@dataclass
class _Sought:
    """prefix: the bits that are known; above: the negatives with a greater prefix."""

    prefix: int = 0
    above: int = 0


class Rates:
    """The lowest thresholds that call at most some per cents of the negatives.

    Show every volume's negatives to `see`, end the pass with `turn`, and begin anew until `done`: in every pass the
    same voxels, in any order. It holds 2 MiB a per cent.
    """

    def __init__(self, percents: Iterable[int]) -> None:
        self._sought = {percent: _Sought() for percent in percents}
        self._dtype: np.dtype[Any] = np.dtype(np.float16)
        self._n, self._first, self._left = 0, True, 64
        self._tables = self._empty()

    @property
    def done(self) -> bool:
        """Whether `threshold` can be asked."""
        known = self._left <= (0 if self._dtype.itemsize > 4 else 64 - 2 * _DIGIT)
        return not self._sought or (not self._first and (known or not self._n))

    def see(self, negatives: Scores) -> None:
        """Count the negatives of a volume, any order. Raises PluginError where one is not finite."""
        if self.done or not negatives.size:
            return
        if self._first:
            refuse_nonfinite(np.array([negatives.min(), negatives.max()]))
            self._n += negatives.size
            self._dtype = np.result_type(self._dtype, negatives)
        ranks = _ranks(negatives)
        for prefix in self._tables:
            inside = ranks if self._first else ranks[ranks >> np.uint64(self._left) == prefix]
            digits = inside >> np.uint64(self._right) & np.uint64((1 << (self._left - self._right)) - 1)
            self._tables[prefix] += np.bincount(digits.astype(np.int64), minlength=1 << _DIGIT)

    def turn(self) -> None:
        """The pass is over."""
        if self.done:
            return
        for percent, sought in self._sought.items():
            table = self._tables[sought.prefix]
            above = sought.above + int(table.sum()) - np.cumsum(table)
            digit = int(
                np.argmax(above <= percent * self._n // 100)
            )  # the lowest: the score itself is one too many
            sought.prefix = (sought.prefix << (self._left - self._right)) + digit
            sought.above = int(above[digit])
        self._first, self._left = False, self._right
        self._tables = self._empty()

    def threshold(self, percent: int) -> float | None:
        """The lowest threshold that calls at most `percent` % of the negatives; None without a negative."""
        if not self._n:
            return None
        low = (1 << self._left) - 1
        rank = self._sought[percent].prefix << self._left
        bits = rank ^ 1 << 63 if rank >> 63 else ~(rank | low) & (1 << 64) - 1
        score = self._dtype.type(np.array(bits, np.uint64).view(np.float64))
        with np.errstate(over="ignore"):
            return float(np.nextafter(score, self._dtype.type(np.inf))) + 0.0

    @property
    def _right(self) -> int:
        """Bits that this pass leaves unknown."""
        return max(0, self._left - _DIGIT)

    def _empty(self) -> dict[int, Counts]:
        return {sought.prefix: np.zeros(1 << _DIGIT, np.int64) for sought in self._sought.values()}


def _ranks(scores: Scores) -> npt.NDArray[np.uint64]:
    """64-bit integers in the order of the scores, equal where scores are equal."""
    bits = (scores.astype(np.float64) + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return bits.view(np.uint64) ^ ((bits >> 63).view(np.uint64) | np.uint64(1 << 63))
