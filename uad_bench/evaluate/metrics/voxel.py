"""Voxel metrics: how well single voxels of the brain are ranked and picked.

Names. A case's value of metric `ap` is stored as `ap`, and with a threshold rule as `dice@healthy_q98`. A
number over several cases says how they were joined (`metric.metric_name`): `ap.case` is the mean over cases,
`ap.pooled` the value of all their voxels at once; for metrics with a rule the mean over cases is the plain
form, `dice@healthy_q98`, beside `dice.pooled@healthy_q98`.

Reasons for a value that is not defined: `empty_brain` (no voxel in the region of interest), `no_positive` (no
lesion voxel), `no_negative` (nothing but lesion), `no_threshold` and `no_tune` (the rule gave no threshold).
Lesion voxels outside the brain mask count as misses that no threshold finds.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from uad_bench.evaluate.curves.bootstrap import Resampled
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.confusion import Overlap, overlap, summed
from uad_bench.types import Value


class VoxelMetric(Metric):
    """A metric that is read off the curve alone, and so has the same form for a case and for a pool."""

    def case(self, view: View) -> Value | None:
        return self.of(view.curve, view.threshold)

    def pooled(self, view: View) -> Value | None:
        return self.of(view.curve, view.threshold)

    def of(self, curve: Curve, threshold: float | None) -> Value:
        """The value for a curve, at a threshold where the metric takes one."""
        raise NotImplementedError

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats | None:
        """The pooled values under the resamples of the patients, (B,), the threshold as it is; None: not stored."""
        return None


class AveragePrecision(VoxelMetric):
    """Area under the precision-recall curve as the step sum over distinct scores (no trapezoids)."""

    name = "ap"
    ledger = True
    summary = "average precision of lesion voxels"

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.ap())

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.ap()


class Prevalence(VoxelMetric):
    """The average precision of a random score: the floor of `ap`, undefined where `ap` is."""

    name = "prevalence"
    summary = "share of lesion voxels: the average precision of a random score"

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.prevalence)

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.prevalence()


class AveragePrecisionGain(VoxelMetric):
    """(AP - prevalence) / (1 - prevalence): 0 for a random score, 1 for a perfect one."""

    name = "ap_gain"
    summary = "average precision above chance, as a share of what is possible"

    def of(self, curve: Curve, threshold: float | None) -> Value:
        ap, prevalence = curve.ap(), curve.prevalence
        if ap is None or prevalence is None or not curve.n_negative:
            return _value(curve, None)
        return Value((ap - prevalence) / (1 - prevalence))

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.ap_gain()


class Auroc(VoxelMetric):
    """Area under the ROC curve, inside the brain: background would inflate it."""

    name = "auroc"
    summary = "area under the ROC curve of lesion voxels"

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.auroc())

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats:
        return resampled.auroc()


class PartialAuroc30(VoxelMetric):
    """AUROC over false-positive rates up to 0.3 alone, standardised so that chance is 0.5 and the best 1."""

    name = "pauroc30"
    summary = "area under the ROC curve up to a false-positive rate of 0.3, standardised"
    limit: ClassVar[float] = 0.3

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.points.partial_auroc(self.limit))


class PartialAuroc05(PartialAuroc30):
    """AUROC over false-positive rates up to 0.05 alone, standardised so that chance is 0.5 and the best 1."""

    name = "pauroc05"
    summary = "area under the ROC curve up to a false-positive rate of 0.05, standardised"
    limit = 0.05


class Sensitivity05(VoxelMetric):
    """The largest sensitivity of any threshold that calls at most 5 % of the case's own other voxels anomalous."""

    name = "sens_fpr05"
    summary = "sensitivity at a false-positive rate of 5 % within the same brain"
    oracle = True
    limit: ClassVar[float] = 0.05

    def of(self, curve: Curve, threshold: float | None) -> Value:
        return _value(curve, curve.points.sensitivity(self.limit))


class Sensitivity01(Sensitivity05):
    """The largest sensitivity of any threshold that calls at most 1 % of the case's own other voxels anomalous."""

    name = "sens_fpr01"
    summary = "sensitivity at a false-positive rate of 1 % within the same brain"
    limit = 0.01


def cleaned(view: View) -> Overlap | None:
    """The counts of a case whose prediction a clean-up has changed: no curve knows them. None: the curve does."""
    if not view.cleanup or view.prediction is None or view.scored is None:
        return None
    return overlap(view.prediction, view.scored)


class Dice(VoxelMetric):
    """2 TP / (2 TP + FP + FN) of `map >= threshold` inside the brain, after the protocol's clean-up.

    Not defined without a lesion: an empty truth has no overlap to measure, `fpr` answers there.
    """

    name = "dice"
    ledger = True
    summary = "Dice overlap at a threshold rule"
    per_rule = True

    def of(self, curve: Curve, threshold: float | None) -> Value:
        if threshold is None and curve.n_positive:
            return Value(None, "no_threshold")
        return _value(curve, None if threshold is None else curve.dice_at(threshold))

    def drawn(self, resampled: Resampled, threshold: float | None) -> Floats | None:
        return None if threshold is None else resampled.dice_at(threshold)

    def case(self, view: View) -> Value | None:
        counts = cleaned(view)
        return super().case(view) if counts is None else _value(view.curve, counts.dice)

    def keep(self, view: View) -> Overlap | None:
        return cleaned(view) if view.curve.n_brain else None

    def joined(self, kept: Sequence[Overlap]) -> Value | None:
        if not kept:
            return None
        dice = summed(kept).dice
        return Value(dice) if dice is not None else Value(None, "no_positive")


class Called(NamedTuple):
    """Voxels of a healthy brain: those called anomalous, and all."""

    called: int
    brain: int


class FalsePositiveRate(VoxelMetric):
    """Share of a healthy brain's voxels at or above the threshold."""

    name = "fpr"
    summary = "share of healthy voxels called anomalous at a threshold rule"
    higher_is_better = False
    per_rule = True
    population: ClassVar[Literal["lesion", "healthy"]] = "healthy"

    def of(self, curve: Curve, threshold: float | None) -> Value:
        if threshold is None:
            return Value(None, "no_threshold")
        if not curve.n_negative:
            return Value(None, "empty_brain")
        return Value(curve.counts_at(threshold)[1] / curve.n_negative)

    def case(self, view: View) -> Value | None:
        kept = self.keep(view)
        return super().case(view) if kept is None else Value(kept.called / kept.brain)

    def keep(self, view: View) -> Called | None:
        counts = cleaned(view)
        return Called(counts.fp, view.curve.n_negative) if counts and view.curve.n_negative else None

    def joined(self, kept: Sequence[Called]) -> Value | None:
        brain = sum(one.brain for one in kept)
        return Value(sum(one.called for one in kept) / brain) if brain else None


def _value(curve: Curve, value: float | None) -> Value:
    """The value, or the reason why this curve has none."""
    if not curve.n_brain:
        return Value(None, "empty_brain")
    if not curve.n_positive:
        return Value(None, "no_positive")
    return Value(value) if value is not None else Value(None, "no_negative")
