"""Calibration of maps that are probabilities: does a score of 0.3 mean that 3 voxels of 10 are lesion?

Asked of voxels in the brain, of lesion cases. A map is taken as probabilities where every score of the brain is in
[0, 1]; any other has no value (`no_probability`), and one such case leaves the pool without one. A method may be in
[0, 1] without meaning probabilities (an absolute error of scaled intensities): its numbers say just that.

    ECE    sum over 15 equal-width bins of n_b / n * |share of lesion - mean score| (Naeini et al. 2015)
    Brier  mean of (score - lesion)^2 (Brier 1950)
A score on the boundary of two bins is in the lower one, as in scikit-learn's calibration_curve. Lesion voxels outside
the brain have no score, and take no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.types import Scored, Value

BINS = 15

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram is drawn from, for equal-width bins of [0, 1], all (15,); and the Brier sum.

    voxels: of the brain; lesion: those of them that are lesion; score: the sum of their scores. squared: the sum of
    (score - lesion)^2 over all of them. probability: False where a score was outside [0, 1], all else is then 0.
    """

    voxels: Floats
    lesion: Floats
    score: Floats
    squared: float
    probability: bool = True

    @property
    def ece(self) -> float:
        """The expected calibration error."""
        return float(np.abs(self.lesion - self.score).sum() / self.voxels.sum())

    @property
    def brier(self) -> float:
        """The Brier score."""
        return float(self.squared / self.voxels.sum())


def reliability(scored: Scored) -> Reliability:
    """The counts of one case, shared by its metrics."""
    return once(scored, _reliability)


def _reliability(scored: Scored) -> Reliability:
    scores = scored.map[scored.brain_mask].astype(np.float64)
    lesion = scored.lesion_mask[scored.brain_mask]
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        return Reliability(np.zeros(BINS), np.zeros(BINS), np.zeros(BINS), 0.0, probability=False)
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], scores)
    return Reliability(
        np.bincount(bins, minlength=BINS).astype(np.float64),
        np.bincount(bins[lesion], minlength=BINS).astype(np.float64),
        np.bincount(bins, scores, minlength=BINS).astype(np.float64),
        float(np.sum((scores - lesion) ** 2)),
    )


def summed(members: Sequence[Reliability]) -> Reliability:
    """The counts of several cases together; no probability where any of them is none."""
    return Reliability(
        sum((one.voxels for one in members), np.zeros(BINS)),
        sum((one.lesion for one in members), np.zeros(BINS)),
        sum((one.score for one in members), np.zeros(BINS)),
        sum(one.squared for one in members),
        all(one.probability for one in members),
    )


class CalibrationMetric(Metric):
    """Derive and write `of`. The value's `extra` holds the reliability diagram."""

    higher_is_better = False

    def case(self, view: View) -> Value | None:
        return self._value(reliability(of_case(view)))

    def keep(self, view: View) -> Reliability | None:
        return reliability(of_case(view)) if of_case(view).brain_mask.any() else None

    def joined(self, kept: Sequence[Reliability]) -> Value | None:
        return self._value(summed(kept))

    def of(self, counts: Reliability) -> float:
        """The value for probabilities of at least one voxel."""
        raise NotImplementedError

    def _value(self, counts: Reliability) -> Value:
        if not counts.probability:
            return Value(None, "no_probability")
        if not counts.voxels.any():
            return Value(None, "empty_brain")
        return Value(self.of(counts), extra=diagram(counts))


def diagram(counts: Reliability) -> dict[str, float]:
    """The bins that hold voxels, from 00 to 14: `voxels_00`, `lesion_00` (share), `score_00` (mean)."""
    rows: dict[str, float] = {}
    for k in np.flatnonzero(counts.voxels):
        n = float(counts.voxels[k])
        rows |= {f"voxels_{k:02d}": n, f"lesion_{k:02d}": float(counts.lesion[k] / n)}
        rows[f"score_{k:02d}"] = float(counts.score[k] / n)
    return rows


class ExpectedCalibrationError(CalibrationMetric):
    """Expected calibration error, 15 equal-width bins."""

    name = "ece"
    summary = "expected calibration error of maps that are probabilities"

    def of(self, counts: Reliability) -> float:
        return counts.ece


class Brier(CalibrationMetric):
    """Brier score."""

    name = "brier"
    summary = "Brier score of maps that are probabilities"

    def of(self, counts: Reliability) -> float:
        return counts.brier
