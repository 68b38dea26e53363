"""Metrics of healthy scans, where every predicted component is false. Undefined: `empty_brain`, `no_threshold`."""

from typing import ClassVar, Literal

import numpy as np

from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case, predicted, undefined
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.evaluate.metrics.lesion import findings
from uad_bench.types import Value


class HealthyMetric(Metric):
    """Base class: derive and write `of`."""

    per_rule = True
    higher_is_better = False
    population: ClassVar[Literal["lesion", "healthy", "both"]] = "healthy"

    def case(self, view: View) -> Value | None:
        reason = undefined(view)
        return Value(None, reason) if reason else Value(self.of(view))

    def of(self, view: View) -> float:
        """The value of a healthy scan that has a brain and a threshold."""
        raise NotImplementedError


@declared("fp_components")
class FalsePositiveComponents(HealthyMetric):
    """The number of predicted components: 26-connected components of the prediction. Lower is better.

    >>> from uad_bench.types import Scored
    >>> anomaly_map = np.array([1, 1, 0, 1], np.float32).reshape(1, 1, 4)
    >>> brain, no_lesion = np.ones((1, 1, 4), bool), np.zeros((1, 1, 4), bool)
    >>> scored = Scored("case", anomaly_map, brain, no_lesion, (1.0, 1.0, 1.0), healthy=True)
    >>> FalsePositiveComponents().case(View.of_case(scored, threshold=0.5)).value
    2.0
    """

    def of(self, view: View) -> float:
        return float(findings(view).n)


@declared("fp_volume")
class FalsePositiveVolume(HealthyMetric):
    """The volume of the prediction in ml. Lower is better.

    >>> from uad_bench.types import Scored
    >>> anomaly_map = np.array([1, 1, 0, 1], np.float32).reshape(1, 1, 4)
    >>> brain, no_lesion = np.ones((1, 1, 4), bool), np.zeros((1, 1, 4), bool)
    >>> scored = Scored("case", anomaly_map, brain, no_lesion, (10.0, 10.0, 10.0), healthy=True)
    >>> FalsePositiveVolume().case(View.of_case(scored, threshold=0.5)).value
    3.0
    """

    def of(self, view: View) -> float:
        return float(np.count_nonzero(predicted(view)) * np.prod(of_case(view).spacing) / 1000)
