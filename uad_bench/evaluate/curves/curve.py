"""Exact average precision, best Dice and AUROC from the positives' own values.

It costs one sort of the values of either class and two searches for each distinct positive value; no voxel is
ever ranked by an index array. What is read off the counts is in `points`.

A score is anomalous at a threshold t where score >= t.
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

#: Negatives searched at once when curves are pooled: 256 MiB of float32.
_BATCH = 1 << 26


@dataclass(frozen=True, eq=False)
class Curve:
    """The exact operating points of one case or of a pool of cases.

    positives: sorted scores of lesion voxels; negatives: sorted runs of the scores of the other voxels, one
    run a case; missed: lesion voxels that no threshold finds, because they lie outside the brain mask or
    were lost on the way to the grid; regions: the lesion that each positive belongs to, where that was asked.
    Build one with `of`, `of_case`, `from_split` or `pool`. A float64 score keeps its width, so no two
    scores ever become equal. Raises PluginError where a score is not finite.
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
        """From in-brain voxels: scores, floating, and lesion, bool, of one and the same flat shape (N,)."""
        return cls._owning(scores[lesion], scores[~lesion], missed)

    @classmethod
    def of_case(cls, scored: Scored, *, regions: bool = False) -> "Curve":
        """From one case: its brain mask is the region of interest, lesion voxels outside it are missed.

        regions: tell the lesions apart, too, which is what AUPRO needs.
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
        """From the scores of lesion voxels and of all others, flat, in any order; neither is changed."""
        return cls._owning(np.array(positives), np.array(negatives), missed)

    @classmethod
    def pool(cls, curves: Iterable["Curve"]) -> "Curve":
        """All voxels of several curves as one; the numbers do not depend on the order of the curves.

        The negatives are shared with the curves, not copied.
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
        """Lesion voxels inside the brain mask."""
        return self.positives.size

    @property
    def n_positive(self) -> int:
        """Lesion voxels, those outside the brain mask included."""
        return self.n_found + self.missed

    @cached_property
    def n_negative(self) -> int:
        """Voxels of the brain that are not lesion."""
        return sum(run.size for run in self.negatives)

    @property
    def n_brain(self) -> int:
        """Voxels inside the brain mask."""
        return self.n_found + self.n_negative

    @property
    def prevalence(self) -> float | None:
        """Share of lesion voxels among all voxels counted; None without a voxel."""
        total = self.n_positive + self.n_negative
        return self.n_positive / total if total else None

    @cached_property
    def points(self) -> OperatingPoints:
        """The table of operating points."""
        values, at = distinct(self.positives)
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        for run in _merged(self.negatives):
            add_counts(run, values, below, up_to)
        return OperatingPoints.counted(values, at, below, up_to, self.missed, self.n_negative)

    def ap(self) -> float | None:
        """Average precision, the step sum of (R_n - R_n-1) P_n; None without a positive."""
        return self.points.ap()

    def auroc(self) -> float | None:
        """P(positive > negative) + P(equal) / 2, missed positives below all; None without both classes."""
        return self.points.auroc()

    def best_dice(self) -> tuple[float, float] | None:
        """(Dice, threshold) with the best Dice, the highest such threshold; None without a positive."""
        return self.points.best_dice()

    def counts_at(self, threshold: float) -> tuple[int, int, int]:
        """(tp, fp, fn) in voxels, where score >= threshold is anomalous; fn includes the missed."""
        tp = at_or_above(self.positives, threshold)
        return tp, self._false_at(threshold), self.n_positive - tp

    def dice_at(self, threshold: float) -> float | None:
        """2 tp / (2 tp + fp + fn) at a threshold; None without a positive."""
        if not self.n_positive:
            return None
        tp, fp, fn = self.counts_at(threshold)
        return 2 * tp / (2 * tp + fp + fn)

    def _false_at(self, threshold: float) -> int:
        return sum(at_or_above(run, threshold) for run in self.negatives)


def split(scored: Scored) -> tuple[Scores, Scores, int]:
    """Scores of the lesion voxels and of the others of a brain, unsorted, and how many lesion voxels are missed."""
    found = scored.brain_mask & scored.lesion_mask
    positives = scored.map[found]
    missed = int(np.count_nonzero(scored.lesion_mask)) - positives.size + scored.lost
    return positives, scored.map[scored.brain_mask ^ found], missed


def _merged(runs: tuple[Scores, ...]) -> Iterator[Scores]:
    """Sorted arrays that together hold all runs: few long ones cost fewer searches than many short ones."""
    batch: list[Scores] = []
    for index, run in enumerate(runs):
        batch.append(run)
        if index + 1 == len(runs) or sum(part.size for part in batch) >= _BATCH:
            yield run if len(batch) == 1 else np.sort(np.concatenate(batch))
            batch = []
