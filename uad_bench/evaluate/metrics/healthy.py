"""What a threshold calls anomalous in healthy scans, where every finding is false."""

from typing import ClassVar, Literal

import numpy as np

from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case, predicted, refused
from uad_bench.evaluate.metrics.lesion import findings
from uad_bench.types import Value


class HealthyMetric(Metric):
    """Derive and write `of`, for a healthy scan that has a brain and a threshold."""

    per_rule = True
    higher_is_better = False
    population: ClassVar[Literal["lesion", "healthy", "both"]] = "healthy"

    def case(self, view: View) -> Value | None:
        reason = refused(view)
        return Value(None, reason) if reason else Value(self.of(view))

    def of(self, view: View) -> float:
        """The value of a scan."""
        raise NotImplementedError


class FalsePositiveComponents(HealthyMetric):
    """26-connected components of the prediction."""

    name = "fp_components"
    summary = "false findings in a healthy scan"

    def of(self, view: View) -> float:
        return float(findings(view).n)


class FalsePositiveVolume(HealthyMetric):
    """Volume of the prediction, ml."""

    name = "fp_volume"
    summary = "volume called anomalous in a healthy scan, ml"

    def of(self, view: View) -> float:
        return float(np.count_nonzero(predicted(view)) * np.prod(of_case(view).spacing) / 1000)
