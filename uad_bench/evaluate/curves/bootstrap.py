"""Pooled numbers under resamples of patients, the same resamples for every method and seed.

Each patient is a row of counts in up to 2,048 bins of the score, which begin at positives of the pool, each with about
as many of them (`coarse`); a resample is a weighted sum of the rows, and all resamples are one product of matrices.
Within a bin, positives are taken to lie among the bin's positives and negatives as they do in the pool on average,
ties included, so that only a change of the order within a bin is lost: tests hold AP and AUROC to 5e-4 of exact
resampling, whose own spread there is above 0.02, whatever increasing transform the maps went through. Counts at a
threshold, and so Dice and prevalence, are exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.operating_points import Counts, Floats, OperatingPoints, Scores
from uad_bench.evaluate.curves.score_bins import CoarseBins, at_least, behind, by_bin, precise

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.curve import Curve

#: Resamples a stored interval is made from.
DRAWS = 1000
#: Part of the definition, as the draws of different runs are subtracted from each other.
SEED = 20211
#: Resamples at once, so that their tables stay in the processor's cache.
_BLOCK = 100


def resamples(n: int, draws: int = DRAWS) -> Counts:
    """How often each of n patients, in the order of their ids, is taken in each resample with replacement, (draws, n).

    The same n and number of draws give the same counts anywhere.
    """
    rng = np.random.Generator(np.random.PCG64([SEED, n]))
    return rng.multinomial(n, np.full(n, 1 / n), size=draws) if n else np.zeros((draws, 0), np.int64)


@dataclass(frozen=True, eq=False)
class Patient:
    """What a resample needs of one case.

    positives: the sorted scores of its lesion voxels; negatives: those of the brain's others, in sorted runs;
    n_positive: lesion voxels, those that no threshold finds included; counts: (tp, fp) at each threshold that is
    asked about. above: the negatives at or above each edge of the pool's bins, (K,), where they were let go; None: they
    are there.
    """

    positives: Scores
    negatives: tuple[Scores, ...]
    n_positive: int
    n_negative: int
    counts: Mapping[float, tuple[int, int]]
    above: Counts | None = None

    @classmethod
    def of(cls, curve: "Curve", thresholds: Iterable[float] = ()) -> "Patient":
        """From the curve of one case. A pool leaves out a case without a brain, and so do its resamples."""
        n_positive = curve.n_positive if curve.n_brain else 0
        counts = {at: curve.counts_at(at)[:2] for at in thresholds}
        return cls(curve.positives, curve.negatives, n_positive, curve.n_negative, counts)

    def without_negatives(self) -> "Patient":
        """The same, which has to be told `above` before its areas are asked about."""
        return replace(self, negatives=())

    def negatives_above(self, edges: Scores) -> Counts:
        """Negatives at or above each edge, (K,)."""
        return at_least(self.negatives, edges) if self.above is None else self.above


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
        return self._summed([patient.n_positive for patient in self._patients])

    @cached_property
    def _n_negative(self) -> Floats:
        return self._summed([patient.n_negative for patient in self._patients])

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
        bins = CoarseBins.of(self._pool)
        edges = bins.edges
        positives = by_bin([at_least([patient.positives], edges) for patient in self._patients], edges)
        negatives = by_bin([patient.negatives_above(edges) for patient in self._patients], edges)
        shares = bins.shares(positives.sum(axis=0), negatives.sum(axis=0))
        precision, below = np.zeros((2, len(self._weights)))
        for start in range(0, len(self._weights), _BLOCK):
            part = slice(start, start + _BLOCK)
            p, n = self._weights[part] @ positives, self._weights[part] @ negatives
            precision[part] = precise(p, n, shares)
            below[part] = behind(p, n, self._n_negative[part], shares)
        pairs = self._n_positive * self._n_negative
        return _over(precision, self._n_positive, self._n_positive > 0), _over(below, pairs, pairs > 0)


def _over(numerator: Floats, denominator: Floats, defined: npt.NDArray[np.bool_]) -> Floats:
    out: Floats = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=defined)
