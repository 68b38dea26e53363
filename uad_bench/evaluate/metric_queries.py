"""One metric under one rule, asked about a case or a pool; answers are checked."""

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

CleanUp = tuple[Callable[[BoolArray], BoolArray], ...]


@dataclass(frozen=True)
class Ask:
    """One metric under one rule ("" where it takes none)."""

    metric: Metric
    rule: str
    threshold: Threshold | None

    @property
    def name(self) -> str:
        """As a case's value is stored: "ap", "dice@tune"."""
        return f"{self.metric.name}@{self.rule}" if self.rule else self.metric.name

    @property
    def pooled_name(self) -> str:
        """As the value of a pool is stored: "ap.pooled", "dice.pooled@tune"."""
        return metric_name(self.metric, "pooled", self.rule)

    @property
    def at(self) -> float | None:
        """The threshold that all cases share."""
        return self.threshold.value if self.threshold else None

    @property
    def pools(self) -> bool:
        """Whether the pool's curve is asked about; a threshold for each case has no pooled form."""
        return self.rule != "oracle_case" and type(self.metric).pooled is not Metric.pooled

    def of_case(self, view: View, case_id: str) -> Value | None:
        """The case's value, checked."""
        return self._checked(self.metric.case(view), f"case {case_id}")

    def evidence(self, view: View) -> Any:  # the metric's own
        """What the metric keeps of a case; None: nothing."""
        return None if self.rule == "oracle_case" else self.metric.keep(view)

    def of_pool(self, curve: Curve) -> Value | None:
        """The pool's value, checked."""
        return self._checked(self.metric.pooled(View(curve, None, self.at)), "pooled")

    def joined(self, kept: Sequence[Any]) -> Value | None:
        """The pooled value from kept evidence, checked."""
        return None if self.rule == "oracle_case" else self._checked(self.metric.joined(kept), "joined")

    def drawn(self, resampled: Resampled) -> Floats | None:
        """The pooled values under the resamples of the patients, (B,), where the metric can be read off a curve."""
        return self.metric.drawn(resampled, self.at) if isinstance(self.metric, VoxelMetric) else None

    def _checked(self, value: Value | None, where: str) -> Value | None:
        if value is None:
            return None
        if value.value is not None and not math.isfinite(value.value):
            raise PluginError(
                f"metric {self.name} gave {value.value}", where=where, hint="answer Value(None, reason)"
            )
        if value.reason == "no_threshold" and self.threshold and self.threshold.reason:
            return Value(None, self.threshold.reason)
        return value


def asks_of(metrics: Iterable[Metric], thresholds: Mapping[str, Threshold]) -> Iterator[Ask]:
    """Every metric under every rule that it takes."""
    for metric in metrics:
        if not metric.per_rule:
            yield Ask(metric, "", None)
            continue
        for rule, threshold in thresholds.items():
            # A healthy scan has no lesion to find its own best threshold by.
            if rule != "oracle_case" or metric.population == "lesion":
                yield Ask(metric, rule, threshold)


def views(scored: Scored, curve: Curve, asks: Iterable[Ask], cleanup: CleanUp) -> dict[str, View]:
    """What a case shows under each rule; metrics of one rule share the view, and so the prediction."""
    return {ask.rule: View(curve, scored, _threshold(ask, curve), cleanup) for ask in asks}


def _threshold(ask: Ask, curve: Curve) -> float | None:
    if ask.rule != "oracle_case":
        return ask.at
    best = curve.best_dice()
    return best[1] if best else None
