"""The contract of a metric: what it gets and what it returns."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from uad_bench.types import BoolArray, Scored, Value

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.curve import Curve


@dataclass(frozen=True)
class View:
    """The input of a metric: one case, or the pool of several cases.

    curve: the exact operating points inside the brain; lesion voxels outside the brain count as misses. scored: the
    arrays of the case, None for a pool. threshold: the operating threshold of the current threshold rule (a voxel is
    called anomalous where map >= threshold), None for a metric without rule and where the rule gave no threshold.
    prediction_steps: the protocol's post-processing of thresholded maps, in order.

    >>> import numpy as np
    >>> anomaly_map = np.array([0.1, 0.9, 0.8, 0.2], np.float32).reshape(1, 1, 4)
    >>> brain, lesion = np.ones((1, 1, 4), bool), anomaly_map > 0.85
    >>> view = View.of_case(Scored("case", anomaly_map, brain, lesion, (1.0, 1.0, 1.0)), threshold=0.5)
    >>> view.prediction.ravel()
    array([False,  True,  True, False])
    """

    curve: "Curve"
    scored: Scored | None = None
    threshold: float | None = None
    prediction_steps: tuple[Callable[[BoolArray], BoolArray], ...] = ()

    @classmethod
    def of_case(cls, scored: Scored, threshold: float | None = None) -> "View":
        """The view of one case, without post-processing of its prediction: for tests and examples."""
        from uad_bench.evaluate.curves.curve import Curve

        return cls(Curve.of_case(scored), scored, threshold)

    @property
    def cleanup(self) -> tuple[Callable[[BoolArray], BoolArray], ...]:
        """Deprecated: the former name of `prediction_steps`."""
        warnings.warn("View.cleanup is now View.prediction_steps", DeprecationWarning, stacklevel=2)
        return self.prediction_steps

    @cached_property
    def prediction(self) -> BoolArray | None:
        """The voxels called anomalous, bool (X, Y, Z): brain voxels with map >= threshold, after the post-processing of
        thresholded maps. None for a pool and without a threshold."""
        if self.scored is None or self.threshold is None:
            return None
        # The threshold is rounded to the map's precision, as `Curve.counts_at` does; the map is never widened.
        threshold = self.scored.map.dtype.type(self.threshold)
        prediction: BoolArray = (self.scored.map >= threshold) & self.scored.brain_mask
        for step in self.prediction_steps:
            prediction = step(prediction)
        return prediction


class _Ledger:
    """The former name of `Metric.per_stage`, readable for one release."""

    def __get__(self, instance: object, owner: "type[Metric]") -> bool:
        warnings.warn("Metric.ledger is now called Metric.per_stage", DeprecationWarning, stacklevel=2)
        return owner.per_stage


class Metric:
    """One number under one name, for a case and for a set of cases.

    Derive from it and write `case`, `pooled`, or both. Where the pooled value is made of counts of each case and not of
    voxels (lesions, slices, scans), write `keep` and `joined` in place of `pooled`. A value that is not defined is
    `Value(None, reason)`, never NaN.

    name: lower-case letters, digits, "_" and "-"; "@" and "." have a meaning in the names of rows. summary: one line.
    higher_is_better: the better direction. population: the test cases that the metric is computed for; "both" means
    the lesion cases of each group together with all healthy test cases; without a healthy case the pooled voxels have
    no value (`no_healthy`). per_rule: the metric needs a threshold; it is
    computed for every threshold rule of the protocol and reported as `name@rule`. oracle: it chooses an operating
    point by the test labels; it is marked in every table and never ranks methods. per_stage: it is also measured
    before each post-processing step, for the post-processing ablation. formula, unit, value_range ("[0, 1]") and
    source: optional texts that `uad-bench show` prints. Runs record value_range: with two finite ends, the confidence
    intervals of tables lie inside it.

    >>> class LargestScore(Metric):
    ...     name = "largest_score"
    ...
    ...     def case(self, view: View) -> Value:
    ...         scored = view.scored
    ...         if not scored.brain_mask.any():
    ...             return Value(None, "empty_brain")
    ...         return Value(float(scored.map[scored.brain_mask].max()))
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    oracle: ClassVar[bool] = False
    per_rule: ClassVar[bool] = False
    per_stage: ClassVar[bool] = False
    population: ClassVar[Literal["lesion", "healthy", "both"]] = "lesion"
    formula: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    value_range: ClassVar[str] = ""
    source: ClassVar[str] = ""
    ledger = _Ledger()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "ledger" in vars(cls):
            what = f"{cls.__name__}.ledger is now called per_stage: write per_stage = {vars(cls)['ledger']}"
            warnings.warn(what, DeprecationWarning, stacklevel=2)
            cls.per_stage = bool(vars(cls)["ledger"])

    def case(self, view: View) -> Value | None:
        """The value of one case (`view.scored` is set). None: the metric has no value per case."""
        return None

    def pooled(self, view: View) -> Value | None:
        """The value of all voxels of several cases. None: the metric is not computed from pooled voxels."""
        return None

    def keep(self, view: View) -> Any:  # the type that `joined` takes
        """What `joined` needs of one case (`view.scored` is set), such as counts; small. None: nothing."""
        return None

    def joined(self, kept: Sequence[Any]) -> Value | None:
        """The pooled value from what `keep` returned for each case, in the order of the case ids, without None."""
        return None


def metric_name(metric: type[Metric] | Metric, form: Literal["case", "pooled"], rule: str = "") -> str:
    """The name under which a number over several cases is reported.

    Without a threshold rule `ap.case` is the mean over cases and `ap.pooled` the value of all their voxels together.
    With a rule `dice@tune` is the mean over cases and `dice.pooled@tune` the pooled value.
    """
    if not metric.per_rule:
        return f"{metric.name}.{form}"
    return f"{metric.name}@{rule}" if form == "case" else f"{metric.name}.pooled@{rule}"
