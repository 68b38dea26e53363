"""Pooled numbers under resamples of patients, the same resamples for every method and seed.

Each patient is a row of counts in up to 2,048 bins of the score, each with about as many of the pool's
positives; a resample is a weighted sum of the rows, and all resamples are one product of matrices. Within a bin,
positives are taken to lie among the bin's positives and negatives as they do in the pool on average, ties
included, so that only a change of the order within a bin is lost: tests hold AP and AUROC to 5e-4 of exact
resampling, which spreads a hundred times as much. Counts at a threshold, and so Dice and prevalence, are exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.counting import keys
from uad_bench.evaluate.points import OperatingPoints
from uad_bench.evaluate.sketch import SHIFT, Bins, Histogram, Sketch

if TYPE_CHECKING:
    from uad_bench.evaluate.curve import Curve

#: Resamples a stored interval is made from.
DRAWS = 1000
#: Part of the definition, as the draws of different runs are subtracted from each other.
SEED = 20211
#: Bins of the score, each with an equal share of the positives.
N_COARSE = 2048

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def resamples(n: int, draws: int = DRAWS) -> Counts:
    """How often each of n patients, in the order of their ids, is taken in each resample with replacement, (draws, n).

    The same n and number of draws give the same counts anywhere.
    """
    rng = np.random.Generator(np.random.PCG64([SEED, n]))
    return rng.multinomial(n, np.full(n, 1 / n), size=draws) if n else np.zeros((draws, 0), np.int64)


@dataclass(frozen=True, eq=False)
class Patient:
    """What a resample needs of one case: its sketch, and (tp, fp) at each threshold that is asked about."""

    sketch: Sketch
    counts: Mapping[float, tuple[int, int]]

    @classmethod
    def of(cls, curve: "Curve", thresholds: Iterable[float] = ()) -> "Patient":
        """From the curve of one case. A pool leaves out a case without a brain, and so do its resamples."""
        negatives = curve.negatives[0] if curve.negatives else curve.positives[:0]
        sketch = Sketch.of(curve.positives, negatives, curve.missed if curve.n_brain else 0)
        return cls(sketch, {at: curve.counts_at(at)[:2] for at in thresholds})


class Resampled:
    """The numbers of a pool of patients under each resample, arrays (B,); NaN where a resample has none.

    patients: in the order of their ids; pool: the exact operating points of all of them together. The methods have
    the names and definitions of the pool's own.
    """

    def __init__(self, patients: Sequence[Patient], pool: OperatingPoints, draws: int = DRAWS) -> None:
        self._patients, self._pool = patients, pool
        self._weights = resamples(len(patients), draws).astype(np.float64)

    @cached_property
    def _n_positive(self) -> Floats:
        return self._summed([patient.sketch.n_positive for patient in self._patients])

    @cached_property
    def _n_negative(self) -> Floats:
        return self._summed([patient.sketch.n_negative for patient in self._patients])

    def _summed(self, counts: Sequence[int]) -> Floats:
        total: Floats = self._weights @ np.asarray(
            counts, np.float64
        )  # integers below 2^53: exact in any order
        return total

    def prevalence(self) -> Floats:
        """Share of lesion voxels; where there is no positive it is undefined, as the average precision is."""
        return _over(self._n_positive, self._n_positive + self._n_negative, self._n_positive > 0)

    def dice_at(self, threshold: float) -> Floats:
        """Dice at one threshold for all resamples."""
        counts = [patient.counts[threshold] for patient in self._patients]
        tp, fp = self._summed([c[0] for c in counts]), self._summed([c[1] for c in counts])
        return _over(2 * tp, tp + fp + self._n_positive, self._n_positive > 0)

    def ap(self) -> Floats:
        """Average precision."""
        return self._areas[0]

    def ap_gain(self) -> Floats:
        """(AP - prevalence) / (1 - prevalence)."""
        prevalence = self.prevalence()
        return _over(self.ap() - prevalence, 1 - prevalence, self._n_negative > 0)

    def auroc(self) -> Floats:
        """Area under the ROC curve."""
        return self._areas[1]

    @cached_property
    def _areas(self) -> tuple[Floats, Floats]:
        bins = _Bins.of(self._pool)
        positives = _coarse([patient.sketch.positives for patient in self._patients], bins.edges)
        negatives = _coarse([patient.sketch.negatives for patient in self._patients], bins.edges)
        shares = bins.shares(positives.sum(axis=0), negatives.sum(axis=0))
        p, n = self._weights @ positives, self._weights @ negatives
        return self._ap(p, n, shares), self._auroc(p, n, shares)

    def _ap(self, p: Floats, n: Floats, shares: "_Shares") -> Floats:
        tp, fp = _above(p) + shares.tp * p, _above(n) + shares.fp * n
        precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=p > 0)
        return _over(np.einsum("bk,bk->b", p, precision), self._n_positive, self._n_positive > 0)

    def _auroc(self, p: Floats, n: Floats, shares: "_Shares") -> Floats:
        behind = self._n_negative[:, np.newaxis] - _above(n) - shares.half * n
        pairs = self._n_positive * self._n_negative
        return _over(np.einsum("bk,bk->b", p, behind), pairs, pairs > 0)


class _Shares(NamedTuple):
    """Where the positives of each bin lie in it on average, as shares of what the bin holds, (K,).

    tp, fp: positives, negatives at or above a positive; half: negatives above it and half of those equal to it.
    """

    tp: Floats
    fp: Floats
    half: Floats


@dataclass(frozen=True, eq=False)
class _Bins:
    """Coarse bins of a pool, each with about an equal share of its positives.

    edges: the fine bin of the sketch that each begins with, ascending, the first 0, (K,); rows: the first row in each
    of the pool's table turned over, (K,).
    """

    pool: OperatingPoints
    edges: Bins
    rows: Counts

    @classmethod
    def of(cls, pool: OperatingPoints) -> "_Bins":
        """The bins of a pool; none without a positive in the brain."""
        fine = (keys(pool.thresholds) >> np.uint32(SHIFT))[::-1]
        rows = np.flatnonzero(np.diff(fine.astype(np.int64), prepend=-1))
        if not rows.size:
            return cls(pool, fine, rows)
        held = np.add.reduceat(pool.gained[::-1], rows)
        share = (np.cumsum(held) - held) * N_COARSE // int(held.sum())
        rows = rows[np.flatnonzero(np.diff(share, prepend=-1))]
        edges = fine[rows]
        edges[0] = 0
        return cls(pool, edges, rows)

    def shares(self, p: Floats, n: Floats) -> _Shares:
        """From the pool's positives and negatives in each bin, (K,)."""
        tp, fp, fp_above = (self._mean_at(c) for c in (self.pool.tp, self.pool.fp, self.pool.fp_above))
        above = _above(n[np.newaxis])[0]
        inside = (fp - above, (fp + fp_above) / 2 - above)
        return _Shares(
            (tp - _above(p[np.newaxis])[0]) / p, *(np.where(n > 0, x / np.maximum(n, 1), 0) for x in inside)
        )

    def _mean_at(self, counts: Counts) -> Floats:
        """The mean of a column of the table over the positives of each bin, (K,)."""
        gained = self.pool.gained[::-1]
        total: Floats = np.add.reduceat(gained * counts[::-1], self.rows) / np.add.reduceat(gained, self.rows)
        return total


def _over(numerator: Floats, denominator: Floats, defined: npt.NDArray[np.bool_]) -> Floats:
    out: Floats = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=defined)


def _above(counts: Floats) -> Floats:
    """What the bins above each one hold, (B, K), bins ascending."""
    held: Floats = counts.sum(axis=1, keepdims=True) - np.cumsum(counts, axis=1)
    return held


def _coarse(parts: Sequence[Histogram], edges: Bins) -> Floats:
    """Counts of each histogram between the edges, (n, K); what lies below the first edge is in the first bin."""
    found = np.zeros((len(parts), edges.size))
    for row, part in zip(found, parts, strict=True):
        total = np.concatenate([np.zeros(1, np.int64), np.cumsum(part.counts)])
        start = total[part.bins.searchsorted(edges)]
        row[:] = np.diff(start, append=total[-1])
    return found
