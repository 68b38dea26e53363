"""Exact average precision, best Dice and AUROC from the positives' own values.

Average precision changes only where recall changes, the best Dice is only ever reached at a positive's value
(a threshold between two positives adds false positives and nothing else), and AUROC is the Mann-Whitney
statistic. So a table with one row for each distinct positive value answers all three exactly: how many
positives and negatives lie at or above it, and how many negatives above it. It costs one sort of the values
of either class and two searches; no voxel is ever ranked by an index array. Equal scores are one operating
point, as in scikit-learn.

A score is anomalous at a threshold t where score >= t.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError
from uad_bench.types import BoolArray, Scored

Scores = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]

#: Negatives searched at once when curves are pooled: 256 MiB of float32.
_BATCH = 1 << 26


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """One row for each distinct positive value, from the highest threshold to the lowest.

    tp: positives at or above the threshold; fp: negatives at or above it; fp_above: negatives above it.
    """

    thresholds: Scores
    tp: Counts
    fp: Counts
    fp_above: Counts


@dataclass(frozen=True, eq=False)
class Curve:
    """The exact operating points of one case or of a pool of cases.

    positives: sorted scores of lesion voxels; negatives: sorted runs of the scores of the other voxels, one
    run a case; missed: lesion voxels that no threshold finds, because they lie outside the brain mask or
    were lost on the way to the grid.
    Build one with `of`, `of_case`, `from_split` or `pool`. A float64 score keeps its width, so no two
    scores ever become equal. Raises PluginError where a score is not finite.
    """

    positives: Scores
    negatives: tuple[Scores, ...]
    missed: int = 0

    def __post_init__(self) -> None:
        for run in (self.positives, *self.negatives):
            # Sorting puts infinities and NaN at the ends.
            if run.size and not (np.isfinite(run[0]) and np.isfinite(run[-1])):
                raise PluginError(
                    "an anomaly score is NaN or infinite", hint="maps must be finite in the brain"
                )

    @classmethod
    def of(cls, scores: Scores, lesion: BoolArray, missed: int = 0) -> "Curve":
        """From in-brain voxels: scores, floating, and lesion, bool, of one and the same flat shape (N,)."""
        return cls._owning(scores[lesion], scores[~lesion], missed)

    @classmethod
    def of_case(cls, scored: Scored) -> "Curve":
        """From one case: its brain mask is the region of interest, lesion voxels outside it are missed."""
        brain, lesion = scored.brain_mask, scored.lesion_mask
        missed = int(np.count_nonzero(lesion & ~brain)) + scored.lost
        return cls.of(scored.map[brain], lesion[brain], missed)

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
        positives = np.concatenate([np.empty(0, np.float32), *(curve.positives for curve in members)])
        positives.sort()
        runs = tuple(run for curve in members for run in curve.negatives)
        return cls(positives, runs, sum(curve.missed for curve in members))

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
        values, at = np.unique(self.positives, return_counts=True)
        values += 0.0  # -0.0 and 0.0 are one threshold; print it as 0.0
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        for run in _merged(self.negatives):
            below += np.searchsorted(run, values, side="left")
            up_to += np.searchsorted(run, values, side="right")
        tp = np.cumsum(at[::-1])
        return OperatingPoints(values[::-1], tp, self.n_negative - below[::-1], self.n_negative - up_to[::-1])

    def ap(self) -> float | None:
        """Average precision, the step sum of (R_n - R_n-1) P_n; None without a positive."""
        if not self.n_positive:
            return None
        points = self.points
        gained = np.diff(points.tp, prepend=0)
        return float(np.sum(gained * (points.tp / (points.tp + points.fp)))) / self.n_positive

    def auroc(self) -> float | None:
        """P(positive > negative) + P(equal) / 2, missed positives below all; None without both classes."""
        if not (self.n_positive and self.n_negative):
            return None
        points = self.points
        gained = np.diff(points.tp, prepend=0)
        # In halves of a pair, so that the sum is exact in integers.
        halves = int(np.sum(gained * (2 * self.n_negative - points.fp - points.fp_above)))
        return halves / (2 * self.n_positive * self.n_negative)

    def best_dice(self) -> tuple[float, float] | None:
        """(Dice, threshold) with the best Dice, the highest such threshold; None without a positive.

        (0, inf) where every positive is missed.
        """
        if not self.n_positive:
            return None
        if not self.n_found:
            return 0.0, float("inf")
        points = self.points
        dice = 2 * points.tp / (points.tp + points.fp + self.n_positive)
        best = int(np.argmax(dice))
        return float(dice[best]), float(points.thresholds[best])

    def counts_at(self, threshold: float) -> tuple[int, int, int]:
        """(tp, fp, fn) in voxels, where score >= threshold is anomalous; fn includes the missed."""
        tp = _at_or_above(self.positives, threshold)
        fp = sum(_at_or_above(run, threshold) for run in self.negatives)
        return tp, fp, self.n_positive - tp

    def dice_at(self, threshold: float) -> float | None:
        """2 tp / (2 tp + fp + fn) at a threshold; None without a positive."""
        if not self.n_positive:
            return None
        tp, fp, fn = self.counts_at(threshold)
        return 2 * tp / (2 * tp + fp + fn)


def _at_or_above(run: Scores, threshold: float) -> int:
    # A Python float would widen the run to float64 first; `map >= threshold` narrows the threshold, too.
    return int(run.size - np.searchsorted(run, run.dtype.type(threshold), side="left"))


def _merged(runs: tuple[Scores, ...]) -> Iterator[Scores]:
    """Sorted arrays that together hold all runs: few long ones cost fewer searches than many short ones."""
    batch: list[Scores] = []
    for index, run in enumerate(runs):
        batch.append(run)
        if index + 1 == len(runs) or sum(part.size for part in batch) >= _BATCH:
            yield run if len(batch) == 1 else np.sort(np.concatenate(batch))
            batch = []
