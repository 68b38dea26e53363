"""Histograms of the scores of a case: small, additive over cases, with bounds on the exact values of their pool.

Scores with the same 20 highest bits as float32 (sign, exponent, 11 bits of the fraction) are in one bin. Bins are in
the order of the scores, 2,048 to an octave, and the same for every case; only bins that are not empty are stored. The
order inside a bin is unknown, so every metric is given as an interval from the least to the greatest value that any
order allows; it contains the exact value of the same voxels.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.errors import DataError
from uad_bench.evaluate.curves.operating_points import Counts
from uad_bench.evaluate.curves.sorted_scores import Scores, distinct, keys

Bins = npt.NDArray[np.uint32]
SHIFT = 12
N_BINS = 1 << (32 - SHIFT)
_MAGIC = b"uad-bench sketch 1\n"

#: Far above the rounding of a sum of 2^20 terms, each at most 1, over their number.
_ROUNDING = 1e-12


class Interval(NamedTuple):
    """Bounds of a value: low <= value <= high."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Histogram:
    """The number of scores in each bin. bins: those that are not empty, ascending, (K,). counts: (K,).

    About 30,000 bins of 8 bytes for a volume of 1.4 million voxels; the counts of a pool have 64 bits.

    >>> Histogram.of(np.float32([0.5, 0.5, 2.0])).counts
    array([2, 1], dtype=uint32)
    """

    bins: Bins
    counts: npt.NDArray[np.uint32] | Counts

    @classmethod
    def of(cls, run: Scores) -> "Histogram":
        """From sorted scores, (N,) with N below 2^32."""
        bins, counts = distinct(keys(run) >> np.uint32(SHIFT))
        return cls(bins, counts.astype(np.uint32))

    @classmethod
    def sparse(cls, dense: Counts) -> "Histogram":
        """From the counts of all bins, (2^20,)."""
        bins = np.flatnonzero(dense)
        return cls(bins.astype(np.uint32), dense[bins])

    def before(self) -> Counts:
        """The number of scores below each bin, and at the end their total number, (K + 1,)."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts, dtype=np.int64)])


@dataclass(frozen=True, eq=False)
class Sketch:
    """The score histograms of one case or of several: of lesion voxels, and of the other brain voxels.

    missed: the number of lesion voxels that no threshold finds.

    >>> sketch = Sketch.of(np.float32([2, 4]), np.float32([1, 2]))
    >>> low, high = sketch.auroc()  # 2 and 2 share a bin: either order, or a tie
    >>> low, high
    (0.75, 1.0)
    """

    positives: Histogram
    negatives: Histogram
    missed: int = 0

    @classmethod
    def of(cls, positives: Scores, negatives: Scores, missed: int = 0) -> "Sketch":
        """From the sorted scores of lesion voxels and of the other brain voxels."""
        return cls(Histogram.of(positives), Histogram.of(negatives), missed)

    @classmethod
    def merged(cls, sketches: Iterable["Sketch"]) -> "Sketch":
        """The sketch of all their voxels, in any order."""
        dense, missed = np.zeros((2, N_BINS), np.int64), 0
        for sketch in sketches:
            for total, part in zip(dense, (sketch.positives, sketch.negatives), strict=True):
                total[part.bins] += part.counts
            missed += sketch.missed
        return cls(Histogram.sparse(dense[0]), Histogram.sparse(dense[1]), missed)

    def to_bytes(self) -> bytes:
        """About 60 KB for a volume of 1.4 million voxels; equal sketches have equal bytes. `of_bytes` reads them."""
        parts = (self.positives, self.negatives)
        head = np.array([self.missed, *(part.bins.size for part in parts)], "<u8")
        gaps = np.concatenate([np.diff(part.bins, prepend=np.uint32(0)) for part in parts]).astype("<u4")
        counts = np.concatenate([part.counts for part in parts]).astype("<u8")
        return _MAGIC + zlib.compress(b"".join(map(_planes, (head, gaps, counts))))

    @classmethod
    def of_bytes(cls, data: bytes) -> "Sketch":
        """The sketch that `to_bytes` wrote; its counts have 64 bits. Raises DataError for any other bytes."""
        try:
            body = zlib.decompress(data.removeprefix(_MAGIC))
            missed, n, k = (int(x) for x in _column(body[:24], "<u8"))
            gaps, counts = (
                _column(body[24 : 24 + 4 * (n + k)], "<u4"),
                _column(body[24 + 4 * (n + k) :], "<u8"),
            )
        except (zlib.error, ValueError) as error:
            raise DataError(
                "not a score histogram", hint="the bytes are truncated or were changed"
            ) from error
        if not data.startswith(_MAGIC) or not gaps.size == counts.size == n + k:
            raise DataError("not a score histogram", hint="the bytes are truncated or of another version")
        bins = [np.cumsum(part, dtype=np.uint32) for part in (gaps[:n], gaps[n:])]
        whole = counts.astype(np.int64)
        return cls(Histogram(bins[0], whole[:n]), Histogram(bins[1], whole[n:]), missed)

    @property
    def n_positive(self) -> int:
        """The number of lesion voxels, missed ones included."""
        return int(self.positives.counts.sum()) + self.missed

    @property
    def n_negative(self) -> int:
        """The number of brain voxels that are not lesion."""
        return int(self.negatives.counts.sum())

    def ap(self) -> Interval | None:
        """Bounds of the average precision; None without a positive.

        Highest where the positives of a bin share one score above its negatives. Lowest where they are all different
        and below them: the precision is then concave in the rank, so its mean is at least that of the first and the
        last.
        """
        if not self.n_positive:
            return None
        p, n, tp, fp = self._bins()
        ends = tp + p
        first, last = (hits / (hits + fp + n) for hits in (tp + 1, ends))
        high = float(np.sum(p * (ends / (ends + fp)))) / self.n_positive
        low = float(np.sum(p * (first + last) / 2)) / self.n_positive
        return Interval(max(0.0, low - _ROUNDING), min(1.0, high + _ROUNDING))

    def auroc(self) -> Interval | None:
        """Bounds of the AUROC; None without both classes."""
        if not (self.n_positive and self.n_negative):
            return None
        p, n, _, fp = self._bins()
        pairs = self.n_positive * self.n_negative
        high, low = (int(np.sum(p * (self.n_negative - above))) for above in (fp, fp + n))
        return Interval(low / pairs, high / pairs)

    def best_dice(self) -> Interval | None:
        """Bounds of the largest Dice of any threshold; None without a positive."""
        if not self.n_positive:
            return None
        p, n, tp, fp = self._bins()
        hits = 2 * (tp + p)
        low, high = (hits / (tp + p + above + self.n_positive) for above in (fp + n, fp))
        return Interval(float(np.max(low, initial=0)), float(np.max(high, initial=0)))

    def _bins(self) -> tuple[Counts, Counts, Counts, Counts]:
        """For each bin with a positive, ascending: positives and negatives in it, positives and negatives above it."""
        bins, p, total = self.positives.bins, self.positives.counts.astype(np.int64), self.negatives.before()
        below = total[self.negatives.bins.searchsorted(bins, "left")]
        up_to = total[self.negatives.bins.searchsorted(bins, "right")]
        return p, up_to - below, p.sum() - np.cumsum(p), total[-1] - up_to


def _planes(numbers: npt.NDArray[Any]) -> bytes:
    """The bytes of numbers, grouped by significance for compression: most of the high bytes are zero."""
    return numbers.view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()


def _column(data: bytes, dtype: str) -> npt.NDArray[Any]:
    """The numbers of which these are the `_planes`. Raises ValueError where bytes are missing."""
    width = np.dtype(dtype).itemsize
    return np.frombuffer(data, np.uint8).reshape(width, -1).T.copy().view(dtype).ravel()
