"""Voxel metrics: how well an anomaly map ranks the voxels of the brain, and how well a threshold selects them.

The region of interest is the brain mask after post-processing. Lesion voxels outside it count as misses at every
threshold. Equal scores are one operating point. All metrics lie in [0, 1] unless stated otherwise.

Undefined: `empty_brain` (no voxel in the region of interest), `no_positive` (no lesion voxel), `no_negative` (only
lesion voxels), `no_threshold` or the reason of the threshold rule (no threshold, for metrics with a rule).
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from uad_bench.evaluate.curves.bootstrap import Resampled
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.confusion import Confusion, confusion, summed
from uad_bench.evaluate.metrics.declarations.classes import declared, variant
from uad_bench.types import Value


class VoxelMetric(Metric):
    """Base class of metrics that are computed from the curve alone, in the same way for a case and for a pool."""

    def case(self, view: View) -> Value | None:
        return self.of(view.curve, view.threshold)

    def pooled(self, view: View) -> Value | None:
        return self.of(view.curve, view.threshold)

    def of(self, curve: Curve, threshold: float | None) -> Value:
        """The value for a curve; threshold: None for a metric without a threshold rule."""
        raise NotImplementedError

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats | None:
        """The pooled values under B resamples of the cases, (B,), at the same threshold; None: not computed."""
        return None


@declared("ap")
class AveragePrecision(VoxelMetric):
    """Average precision, Σ_n (R_n - R_(n-1)) P_n over distinct scores, in [0, 1]. Higher is better.

    R_n and P_n are recall and precision at the n-th highest distinct score. There is no interpolation between operating
    points (Davis and Goadrich 2006), as in scikit-learn's `average_precision_score`. A map of one value gets the
    prevalence, if no lesion voxel lies outside the brain. Undefined: `empty_brain`, `no_positive`.

    >>> import numpy as np
    >>> scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    >>> lesion = np.array([True, False, True, False])
    >>> AveragePrecision().case(View(Curve.of(scores, lesion))).value  # (1/1 + 2/3) / 2
    0.8333333333333333
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.ap())

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.ap()


@declared("ap_with_healthy")
class ApWithHealthy(AveragePrecision):
    """Average precision of all brain voxels of the lesion cases and of the healthy test scans together, in [0, 1].

    A score of a healthy scan counts as any other voxel without lesion. There is no value per case. Undefined:
    `empty_brain`, `no_positive`, and `no_healthy` for a test set without healthy scans, where it would be `ap.pooled`.

    >>> import numpy as np
    >>> scores, lesion = np.array([0.9, 0.8, 0.7], np.float32), np.array([False, True, False])
    >>> ApWithHealthy().pooled(View(Curve.of(scores, lesion))).value
    0.5
    """

    def case(self, view: View) -> Value | None:
        return None


@declared("prevalence")
class Prevalence(VoxelMetric):
    """The share of lesion voxels, π = n+ / (n+ + n-), in [0, 1]: the expected average precision of a random score.

    A random score has less where lesion voxels lie outside the brain, which it misses. A reference value for `ap`,
    undefined where `ap` is: `empty_brain`, `no_positive`.

    >>> import numpy as np
    >>> lesion = np.array([True, False, False, False])
    >>> Prevalence().case(View(Curve.of(np.zeros(4, np.float32), lesion))).value
    0.25
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.prevalence)

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.prevalence()


@declared("ap_gain")
class AveragePrecisionGain(VoxelMetric):
    """(AP - π) / (1 - π) with prevalence π, in (-∞, 1]: 0 for a random score, 1 for a perfect one.

    Undefined: `empty_brain`, `no_positive`, `no_negative`.

    >>> import numpy as np
    >>> lesion = np.array([True, False, False, False])
    >>> AveragePrecisionGain().case(View(Curve.of(np.zeros(4, np.float32), lesion))).value
    0.0
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        ap, prevalence = curve.ap(), curve.prevalence
        if ap is None or prevalence is None or not curve.n_negative:
            return _value(curve, None)
        return Value((ap - prevalence) / (1 - prevalence))

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.ap_gain()


@declared("auroc")
class Auroc(VoxelMetric):
    """Area under the ROC curve, P(s+ > s-) + P(s+ = s-) / 2 (Hanley and McNeil 1982), in [0, 1]. Higher is better.

    Only brain voxels count: background voxels would raise it. Undefined: `empty_brain`, `no_positive`, `no_negative`.

    >>> import numpy as np
    >>> scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    >>> lesion = np.array([True, False, True, False])
    >>> Auroc().case(View(Curve.of(scores, lesion))).value
    0.75
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.auroc())

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.auroc()


class PartialAuroc(VoxelMetric):
    """Area under the ROC curve for false-positive rates up to `limit`, standardised to [0, 1] (McClish 1989).

    (1 + (A - f²/2) / (f - f²/2)) / 2 with area A and limit f: 0.5 for a random score, 1 for a perfect one, as
    scikit-learn's `roc_auc_score(max_fpr=...)`. Undefined: `empty_brain`, `no_positive`, `no_negative`.

    >>> import numpy as np
    >>> lesion = np.array([True, False, False, False])
    >>> PartialAuroc30().case(View(Curve.of(lesion.astype(np.float32), lesion))).value
    1.0
    """

    limit: ClassVar[float]

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.points.partial_auroc(self.limit))


PartialAuroc30 = variant(PartialAuroc, "pauroc30")
PartialAuroc05 = variant(PartialAuroc, "pauroc05")


class Sensitivity(VoxelMetric):
    """The largest sensitivity of a threshold with a false-positive rate of at most `limit`, in [0, 1].

    Both rates are those of the same brain, so the threshold depends on the test labels: an oracle. Undefined:
    `empty_brain`, `no_positive`, `no_negative`.

    >>> import numpy as np
    >>> scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    >>> lesion = np.array([True, False, True, False])
    >>> Sensitivity05().case(View(Curve.of(scores, lesion))).value
    0.5
    """

    limit: ClassVar[float]

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.points.sensitivity(self.limit))


Sensitivity05 = variant(Sensitivity, "sens_fpr05")
Sensitivity01 = variant(Sensitivity, "sens_fpr01")


def postprocessed_counts(view: View) -> Confusion | None:
    """The counts of a case whose prediction was post-processed. None: the curve has the counts."""
    if not view.prediction_steps or view.prediction is None or view.scored is None:
        return None
    return confusion(view.prediction, view.scored)


@declared("dice")
class Dice(VoxelMetric):
    """2 TP / (2 TP + FP + FN) of brain voxels with map >= threshold, after post-processing, in [0, 1].

    Pooled: of the counts summed over cases. Undefined: `empty_brain`, `no_positive` (without a lesion there is no
    overlap to measure; see `fpr`), `no_threshold`.

    >>> import numpy as np
    >>> scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    >>> lesion = np.array([True, False, True, False])
    >>> Dice().case(View(Curve.of(scores, lesion), threshold=0.8)).value  # TP = FP = FN = 1
    0.5
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        if threshold is None and curve.n_positive:
            return Value(None, "no_threshold")
        return _value(curve, None if threshold is None else curve.dice_at(threshold))

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats | None:
        return None if threshold is None else resampled.dice_at(threshold)

    def case(self, view: View) -> Value | None:
        counts = postprocessed_counts(view)
        return super().case(view) if counts is None else _value(view.curve, counts.dice)

    def keep(self, view: View) -> Confusion | None:
        return postprocessed_counts(view) if view.curve.n_brain else None

    def joined(self, kept: Sequence[Confusion]) -> Value | None:
        if not kept:
            return None
        dice = summed(kept).dice
        return Value(dice) if dice is not None else Value(None, "no_positive")


class HealthyCounts(NamedTuple):
    """Voxels of a healthy brain: those called anomalous, and all."""

    false_positive: int
    brain: int


@declared("fpr")
class FalsePositiveRate(VoxelMetric):
    """The share FP / n- of a healthy scan's brain voxels with map >= threshold, in [0, 1]. Lower is better.

    After post-processing of the prediction. Undefined: `empty_brain`, `no_threshold`.

    >>> import numpy as np
    >>> scores, no_lesion = np.array([0.9, 0.8, 0.7, 0.6], np.float32), np.zeros(4, bool)
    >>> FalsePositiveRate().case(View(Curve.of(scores, no_lesion), threshold=0.9)).value
    0.25
    """

    def of(self, curve: Curve, threshold: float | None) -> Value:
        if threshold is None:
            return Value(None, "no_threshold")
        if not curve.n_negative:
            return Value(None, "empty_brain")
        return Value(curve.counts_at(threshold)[1] / curve.n_negative)

    def case(self, view: View) -> Value | None:
        kept = self.keep(view)
        return super().case(view) if kept is None else Value(kept.false_positive / kept.brain)

    def keep(self, view: View) -> HealthyCounts | None:
        counts = postprocessed_counts(view)
        return HealthyCounts(counts.fp, view.curve.n_negative) if counts and view.curve.n_negative else None

    def joined(self, kept: Sequence[HealthyCounts]) -> Value | None:
        brain = sum(one.brain for one in kept)
        return Value(sum(one.false_positive for one in kept) / brain) if brain else None


def _value(curve: Curve, value: float | None) -> Value:
    """The value, or the reason why this curve has none."""
    if not curve.n_brain:
        return Value(None, "empty_brain")
    if not curve.n_positive:
        return Value(None, "no_positive")
    return Value(value) if value is not None else Value(None, "no_negative")
