"""Calibration of anomaly maps that are probabilities: of the voxels with score 0.3, 30 % should be lesion.

Computed over the brain voxels of lesion cases. Lesion voxels outside the brain have no score and take no part. A map
counts as probabilities where all its scores in the brain are in [0, 1]; any other map has no value (`no_probability`),
and one such case leaves the pool without a value. A map may lie in [0, 1] without being meant as probabilities, such as
an absolute residual of scaled intensities: the numbers then show how far it is from being calibrated.

    ECE    Σ_b n_b/n |share of lesion in bin b - mean score in bin b|, 15 bins of equal width (Naeini et al. 2015)
    Brier  mean of (score - lesion)^2 (Brier 1950)

A score on the boundary of two bins belongs to the lower one, as in scikit-learn's `calibration_curve`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.types import Scored, Value

BINS = 15

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """The counts of a reliability diagram with 15 bins of equal width in [0, 1], arrays (15,), and the Brier sum.

    voxels: brain voxels in each bin. lesion: those of them that are lesion. score: the sum of their scores. squared:
    the sum of (score - lesion)^2 over all brain voxels. probability: False where a score is outside [0, 1]; all counts
    are then 0.
    """

    voxels: Floats
    lesion: Floats
    score: Floats
    squared: float
    probability: bool = True

    @property
    def ece(self) -> float:
        """The expected calibration error, in [0, 1]."""
        return float(np.abs(self.lesion - self.score).sum() / self.voxels.sum())

    @property
    def brier(self) -> float:
        """The Brier score, in [0, 1]."""
        return float(self.squared / self.voxels.sum())


def reliability(scored: Scored) -> Reliability:
    """The counts of one case, computed once for all metrics."""
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
    """The counts of several cases together; `probability` is False where it is False for one of them."""
    return Reliability(
        sum((one.voxels for one in members), np.zeros(BINS)),
        sum((one.lesion for one in members), np.zeros(BINS)),
        sum((one.score for one in members), np.zeros(BINS)),
        sum(one.squared for one in members),
        all(one.probability for one in members),
    )


class CalibrationMetric(Metric):
    """Base class: derive and write `of`. `Value.extra` has the reliability diagram, see `diagram`."""

    higher_is_better = False

    def case(self, view: View) -> Value | None:
        return self._value(reliability(of_case(view)))

    def keep(self, view: View) -> Reliability | None:
        return reliability(of_case(view)) if of_case(view).brain_mask.any() else None

    def joined(self, kept: Sequence[Reliability]) -> Value | None:
        return self._value(summed(kept))

    def of(self, counts: Reliability) -> float:
        """The value of the counts of at least one voxel."""
        raise NotImplementedError

    def _value(self, counts: Reliability) -> Value:
        if not counts.probability:
            return Value(None, "no_probability")
        if not counts.voxels.any():
            return Value(None, "empty_brain")
        return Value(self.of(counts), extra=diagram(counts))


def diagram(counts: Reliability) -> dict[str, float]:
    """The bins that are not empty, 00 to 14: `voxels_00`, `lesion_00` (share of lesion), `score_00` (mean score)."""
    rows: dict[str, float] = {}
    for k in np.flatnonzero(counts.voxels):
        n = float(counts.voxels[k])
        rows |= {f"voxels_{k:02d}": n, f"lesion_{k:02d}": float(counts.lesion[k] / n)}
        rows[f"score_{k:02d}"] = float(counts.score[k] / n)
    return rows


@declared("ece")
class ExpectedCalibrationError(CalibrationMetric):
    """Expected calibration error, Σ_b n_b/n |share of lesion - mean score| over 15 bins of equal width, in [0, 1].

    Lower is better. Undefined: `no_probability`, `empty_brain`. Naeini et al. 2015.

    >>> scores = np.array([0.1, 0.1, 0.9, 0.9], np.float32).reshape(1, 1, 4)
    >>> lesion = np.array([False, False, True, False]).reshape(1, 1, 4)
    >>> scored = Scored("case", scores, np.ones((1, 1, 4), bool), lesion, (1.0, 1.0, 1.0))
    >>> round(ExpectedCalibrationError().case(View.of_case(scored)).value, 6)  # (0.1 + 0.4) / 2
    0.25
    """

    def of(self, counts: Reliability) -> float:
        return counts.ece


@declared("brier")
class Brier(CalibrationMetric):
    """Brier score, the mean of (score - lesion)^2 over brain voxels, in [0, 1].

    Lower is better. Undefined: `no_probability`, `empty_brain`. Brier 1950.

    >>> scores = np.array([0.5, 1.0], np.float32).reshape(1, 1, 2)
    >>> lesion = np.array([False, True]).reshape(1, 1, 2)
    >>> scored = Scored("case", scores, np.ones((1, 1, 2), bool), lesion, (1.0, 1.0, 1.0))
    >>> Brier().case(View.of_case(scored)).value
    0.125
    """

    def of(self, counts: Reliability) -> float:
        return counts.brier
