"""Pooled values under bootstrap resamples of the cases; the same resamples for every method and seed.

For each case the voxels are counted in up to 2,048 bins of the score. The bins begin at scores of lesion voxels of the
pool, with about the same number of lesion voxels in each (`score_bins`). A resample is a weighted sum of the cases'
counts, and all resamples are one matrix product. Inside a bin, lesion voxels are placed among the bin's voxels as they
are in the pool on average, ties included, so only a change of the order inside a bin is lost. Tests require AP and
AUROC to be within 5e-4 of exact resampling, whose own standard deviation there is above 0.02, after any increasing
transform of the maps. Counts at a threshold, and so Dice and prevalence, are exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.operating_points import Counts, Floats, OperatingPoints, Scores
from uad_bench.evaluate.curves.score_bins import CoarseBins, at_least, by_bin, negatives_below, precision_sum

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.curve import Curve

#: Resamples of a stored interval.
DRAWS = 1000
#: Part of the definition, as the values of two runs under the same resamples are subtracted from each other.
SEED = 20211
#: Resamples computed together, so that their tables stay in the processor's cache.
_BLOCK = 100


def resamples(n: int, draws: int = DRAWS) -> Counts:
    """How often each of n cases, in the order of their ids, is drawn in each resample with replacement, (draws, n).

    The same n and number of resamples give the same counts on every machine.

    >>> counts = resamples(5, draws=3)
    >>> counts.shape, counts.sum(axis=1)
    ((3, 5), array([5, 5, 5]))
    """
    rng = np.random.Generator(np.random.PCG64([SEED, n]))
    return rng.multinomial(n, np.full(n, 1 / n), size=draws) if n else np.zeros((draws, 0), np.int64)


@dataclass(frozen=True, eq=False)
class BootstrapCase:
    """What a resample needs of one case.

    positives: the sorted scores of its lesion voxels. negatives: those of the other brain voxels, in sorted runs.
    n_positive: the number of lesion voxels, missed ones included. counts: (tp, fp) at each threshold that is needed.
    at_edges: the number of negatives at or above each edge of the pool's bins, (K,), where the negatives themselves
    were discarded; otherwise None.
    """

    positives: Scores
    negatives: tuple[Scores, ...]
    n_positive: int
    n_negative: int
    counts: Mapping[float, tuple[int, int]]
    at_edges: Counts | None = None

    @classmethod
    def of(cls, curve: "Curve", thresholds: Iterable[float] = ()) -> "BootstrapCase":
        """From the curve of one case. A case without a brain is in no pool, and so in no resample."""
        n_positive = curve.n_positive if curve.n_brain else 0
        counts = {threshold: curve.counts_at(threshold)[:2] for threshold in thresholds}
        return cls(curve.positives, curve.negatives, n_positive, curve.n_negative, counts)

    def without_negatives(self) -> "BootstrapCase":
        """The same, for which `at_edges` has to be set before areas are computed."""
        return replace(self, negatives=())

    def negatives_at(self, edges: Scores) -> Counts:
        """The number of negatives at or above each edge, (K,)."""
        return at_least(self.negatives, edges) if self.at_edges is None else self.at_edges


class Resampled:
    """The values of a pool of cases under each of B resamples, arrays (B,), NaN where a resample has no value.

    cases: in the order of their ids. pool: the exact operating points of all of them together. The methods have the
    names and the definitions of the pool's own.

    >>> from uad_bench.evaluate.curves.curve import Curve
    >>> curves = [Curve.of(np.float32([3, 2, 1]), np.array([True, False, False]))] * 2
    >>> cases = [BootstrapCase.of(curve, thresholds=[2.0]) for curve in curves]
    >>> found = Resampled(cases, Curve.pool(curves).points, draws=4)
    >>> found.ap(), found.dice_at(2.0).round(3)
    (array([1., 1., 1., 1.]), array([0.667, 0.667, 0.667, 0.667]))
    """

    def __init__(self, cases: Sequence[BootstrapCase], pool: OperatingPoints, draws: int = DRAWS) -> None:
        self._cases, self._pool = cases, pool
        self._weights = resamples(len(cases), draws).astype(np.float64)

    @cached_property
    def _n_positive(self) -> Floats:
        return self._summed([case.n_positive for case in self._cases])

    @cached_property
    def _n_negative(self) -> Floats:
        return self._summed([case.n_negative for case in self._cases])

    def _summed(self, counts: Sequence[int]) -> Floats:
        # Integers below 2^53: the sum is exact in any order.
        total: Floats = self._weights @ np.asarray(counts, np.float64)
        return total

    def prevalence(self) -> Floats:
        """The share of lesion voxels; undefined without a positive, as the average precision is."""
        return _over(self._n_positive, self._n_positive + self._n_negative, self._n_positive > 0)

    def dice_at(self, threshold: float) -> Floats:
        """Dice at one threshold for all resamples."""
        counts = [case.counts[threshold] for case in self._cases]
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
        bins = CoarseBins.of(self._pool)
        edges = bins.edges
        positives = by_bin([at_least([case.positives], edges) for case in self._cases], edges)
        negatives = by_bin([case.negatives_at(edges) for case in self._cases], edges)
        shares = bins.shares(positives.sum(axis=0), negatives.sum(axis=0))
        precision, below = np.zeros((2, len(self._weights)))
        for start in range(0, len(self._weights), _BLOCK):
            part = slice(start, start + _BLOCK)
            p, n = self._weights[part] @ positives, self._weights[part] @ negatives
            precision[part] = precision_sum(p, n, shares)
            below[part] = negatives_below(p, n, self._n_negative[part], shares)
        pairs = self._n_positive * self._n_negative
        return _over(precision, self._n_positive, self._n_positive > 0), _over(below, pairs, pairs > 0)


def _over(numerator: Floats, denominator: Floats, defined: npt.NDArray[np.bool_]) -> Floats:
    out: Floats = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=defined)
