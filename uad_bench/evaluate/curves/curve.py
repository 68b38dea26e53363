"""The exact operating points of anomaly scores: counts of lesion voxels and of other voxels at every threshold.

Positives are lesion voxels, negatives are the other brain voxels. A voxel is called anomalous at threshold t where its
score >= t. The cost is one sort of the scores of each class and two searches for each distinct score of a positive; no
index array is sorted. `operating_points` has the areas and rates that are computed from the counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from uad_bench.evaluate.curves.operating_points import OperatingPoints, Scores
from uad_bench.evaluate.curves.sorted_scores import add_counts, at_or_above, distinct, refuse_nonfinite
from uad_bench.types import BoolArray, Scored

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.regions import Regions

#: Negatives searched together when curves are pooled: 64 MiB of float32.
_BATCH = 1 << 24


@dataclass(frozen=True, eq=False)
class Curve:
    """The exact operating points of one case or of a pool of cases.

    positives: the sorted scores of lesion voxels. negatives: the sorted scores of the other voxels, one array for each
    case. missed: lesion voxels that no threshold finds, because they lie outside the brain mask or were cut off by
    preparation. regions: the lesion of each positive, for AUPRO; None where it was not requested. Build one with `of`,
    `of_case`, `from_split` or `pool`. A float64 score stays float64, so no two scores become equal. Raises PluginError
    for a score that is not finite.

    >>> curve = Curve.of(np.float32([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False]))
    >>> curve.counts_at(0.7), curve.best_dice()
    ((2, 1, 0), (0.8, 0.699999988079071))
    """

    positives: Scores
    negatives: tuple[Scores, ...]
    missed: int = 0
    regions: "Regions | None" = None

    def __post_init__(self) -> None:
        for run in (self.positives, *self.negatives):
            refuse_nonfinite(run)

    @classmethod
    def of(cls, scores: Scores, lesion: BoolArray, missed: int = 0) -> "Curve":
        """From brain voxels: scores, floating, and lesion, bool, both (N,)."""
        return cls._owning(scores[lesion], scores[~lesion], missed)

    @classmethod
    def of_case(cls, scored: Scored, *, regions: bool = False) -> "Curve":
        """From one case: its brain mask is the region of interest, lesion voxels outside it are missed.

        regions: also store which lesion each positive belongs to, as AUPRO needs it.
        """
        positives, negatives, missed = split(scored)
        if not regions:
            return cls._owning(positives, negatives, missed)
        from uad_bench.evaluate.curves.regions import Regions

        found, positives = Regions.of_case(scored)
        negatives.sort()
        return cls(positives, (negatives,), missed, found)

    @classmethod
    def from_split(cls, positives: Scores, negatives: Scores, missed: int = 0) -> "Curve":
        """From the scores of lesion voxels and of the other voxels, flat, in any order; neither array is changed."""
        return cls._owning(np.array(positives), np.array(negatives), missed)

    @classmethod
    def pool(cls, curves: Iterable["Curve"]) -> "Curve":
        """The curve of all voxels of several curves; no number depends on the order of the curves.

        The arrays of negatives are shared with the curves, not copied.
        """
        members = list(curves)
        runs = tuple(run for curve in members for run in curve.negatives)
        missed = sum(curve.missed for curve in members)
        regions = [curve.regions for curve in members if curve.regions is not None]
        if members and len(regions) == len(members):
            joined, positives = regions[0].pool(regions, [curve.positives for curve in members])
            return cls(positives, runs, missed, joined)
        positives = np.concatenate([np.empty(0, np.float32), *(curve.positives for curve in members)])
        positives.sort()
        return cls(positives, runs, missed)

    @classmethod
    def _owning(cls, positives: Scores, negatives: Scores, missed: int) -> "Curve":
        positives.sort()
        negatives.sort()
        return cls(positives, (negatives,), missed)

    @property
    def n_found(self) -> int:
        """The number of lesion voxels inside the brain mask."""
        return self.positives.size

    @property
    def n_positive(self) -> int:
        """The number of lesion voxels, missed ones included."""
        return self.n_found + self.missed

    @cached_property
    def n_negative(self) -> int:
        """The number of brain voxels that are not lesion."""
        return sum(run.size for run in self.negatives)

    @property
    def n_brain(self) -> int:
        """The number of voxels inside the brain mask."""
        return self.n_found + self.n_negative

    @property
    def prevalence(self) -> float | None:
        """The share of lesion voxels, missed ones included, in [0, 1]; None without a voxel."""
        total = self.n_positive + self.n_negative
        return self.n_positive / total if total else None

    @cached_property
    def points(self) -> OperatingPoints:
        """The operating points, one for each distinct score of a positive."""
        values, at = distinct(self.positives)
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        for run in _merged(self.negatives):
            add_counts(run, values, below, up_to)
        return OperatingPoints.counted(values, at, below, up_to, self.missed, self.n_negative)

    def ap(self) -> float | None:
        """Average precision, Σ (R_n - R_(n-1)) P_n, in [0, 1]; None without a positive."""
        return self.points.ap()

    def auroc(self) -> float | None:
        """P(positive > negative) + P(equal) / 2, in [0, 1]; missed positives rank last; None without both classes."""
        return self.points.auroc()

    def best_dice(self) -> tuple[float, float] | None:
        """The largest Dice and the highest threshold that reaches it; None without a positive."""
        return self.points.best_dice()

    def counts_at(self, threshold: float) -> tuple[int, int, int]:
        """(tp, fp, fn) in voxels, where score >= threshold is called anomalous; fn includes the missed voxels."""
        tp = at_or_above(self.positives, threshold)
        return tp, self._false_at(threshold), self.n_positive - tp

    def dice_at(self, threshold: float) -> float | None:
        """2 tp / (2 tp + fp + fn) at a threshold, in [0, 1]; None without a positive."""
        if not self.n_positive:
            return None
        tp, fp, fn = self.counts_at(threshold)
        return 2 * tp / (2 * tp + fp + fn)

    def _false_at(self, threshold: float) -> int:
        return sum(at_or_above(run, threshold) for run in self.negatives)


def split(scored: Scored) -> tuple[Scores, Scores, int]:
    """The scores of lesion voxels and of the other brain voxels, unsorted, and the number of missed lesion voxels."""
    found = scored.brain_mask & scored.lesion_mask
    positives = scored.map[found]
    missed = int(np.count_nonzero(scored.lesion_mask)) - positives.size + scored.lost
    return positives, scored.map[scored.brain_mask ^ found], missed


def _merged(runs: tuple[Scores, ...]) -> Iterator[Scores]:
    """The sorted arrays merged into fewer and longer ones, which take fewer searches."""
    batch: list[Scores] = []
    for index, run in enumerate(runs):
        batch.append(run)
        if index + 1 == len(runs) or sum(part.size for part in batch) >= _BATCH:
            yield run if len(batch) == 1 else _sorted_together(batch)
            batch = []


def _sorted_together(runs: list[Scores]) -> Scores:
    joined: Scores = np.concatenate(runs)
    joined.sort()  # in place: np.sort would copy the batch once more
    return joined
