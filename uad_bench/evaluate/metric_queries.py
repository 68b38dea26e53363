"""One metric under one threshold rule, applied to a case or to a pool, with a check of what the metric returns."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.bootstrap import Resampled
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.metric import Metric, View, metric_name
from uad_bench.evaluate.metrics.voxel import VoxelMetric
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.types import BoolArray, Scored, Value

PredictionSteps = tuple[Callable[[BoolArray], BoolArray], ...]


@dataclass(frozen=True)
class MetricQuery:
    """One metric under one threshold rule; rule "" and threshold None for a metric without rule.

    Every value is checked: PluginError for one that is not finite. Where the rule gave no threshold, the reason
    `no_threshold` of a metric is replaced by the reason of the rule.
    """

    metric: Metric
    rule: str
    threshold: Threshold | None

    @property
    def name(self) -> str:
        """The name of the value of a case: "ap", "dice@tune"."""
        return f"{self.metric.name}@{self.rule}" if self.rule else self.metric.name

    @property
    def pooled_name(self) -> str:
        """The name of the pooled value: "ap.pooled", "dice.pooled@tune"."""
        return metric_name(self.metric, "pooled", self.rule)

    @property
    def shared_threshold(self) -> float | None:
        """The threshold that all cases share; None without one, as for `oracle_case`."""
        return self.threshold.value if self.threshold else None

    @property
    def uses_pooled_curve(self) -> bool:
        """Whether the metric is computed from the pooled curve; a threshold per case has no pooled value."""
        return self.rule != "oracle_case" and type(self.metric).pooled is not Metric.pooled

    def case_value(self, view: View, case_id: str) -> Value | None:
        """The value of a case."""
        return self._checked(self.metric.case(view), f"case {case_id}")

    def kept(self, view: View) -> Any:  # the metric's own type
        """What the metric keeps of a case for its pooled value; None: nothing."""
        return None if self.rule == "oracle_case" else self.metric.keep(view)

    def pooled_value(self, curve: Curve) -> Value | None:
        """The value of a pooled curve."""
        return self._checked(self.metric.pooled(View(curve, None, self.shared_threshold)), "pooled")

    def joined_value(self, kept: Sequence[Any]) -> Value | None:
        """The pooled value from what was kept of each case."""
        return None if self.rule == "oracle_case" else self._checked(self.metric.joined(kept), "joined")

    def resampled_values(self, resampled: Resampled) -> Floats | None:
        """The pooled values under the B resamples of the cases, (B,), for metrics that are read off a curve."""
        if not isinstance(self.metric, VoxelMetric):
            return None
        return self.metric.drawn(resampled, self.shared_threshold)

    def _checked(self, value: Value | None, where: str) -> Value | None:
        if value is None:
            return None
        if value.value is not None and not math.isfinite(value.value):
            raise PluginError(
                f"metric {self.name} returned {value.value}", where=where, hint="return Value(None, reason)"
            )
        if value.reason == "no_threshold" and self.threshold and self.threshold.reason:
            return Value(None, self.threshold.reason)
        return value


def metric_queries(metrics: Iterable[Metric], thresholds: Mapping[str, Threshold]) -> Iterator[MetricQuery]:
    """Every metric under every threshold rule that applies to it."""
    for metric in metrics:
        if not metric.per_rule:
            yield MetricQuery(metric, "", None)
            continue
        for rule, threshold in thresholds.items():
            # A healthy scan has no lesion from which its own best threshold could be found.
            if rule != "oracle_case" or metric.population == "lesion":
                yield MetricQuery(metric, rule, threshold)


def views(
    scored: Scored, curve: Curve, queries: Iterable[MetricQuery], prediction_steps: PredictionSteps
) -> dict[str, View]:
    """The view of a case under each rule; all metrics of a rule share it, and so the prediction."""
    return {query.rule: View(curve, scored, _threshold(query, curve), prediction_steps) for query in queries}


def _threshold(query: MetricQuery, curve: Curve) -> float | None:
    if query.rule != "oracle_case":
        return query.shared_threshold
    best = curve.best_dice()
    return best[1] if best else None
