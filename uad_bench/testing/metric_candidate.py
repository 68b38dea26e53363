"""What the checks of a metric are given: the metric class, and toy cases to compute it for."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.value_range import parse_range
from uad_bench.testing.candidate import NotChecked
from uad_bench.testing.toy_cases import toy_cohort
from uad_bench.types import Scored, Value

THRESHOLD = 0.5  # of the toy maps, which lie in [0, 1]
REASON = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class MetricCandidate:
    """A metric and the toy cases of its population: three lesion cases, two healthy cases, or both."""

    name: str
    cls: type[Metric]

    def new(self) -> Metric:
        """The metric. It takes no arguments."""
        return self.cls()

    def cohort(self) -> list[Scored]:
        """Fresh toy cases of the metric's population."""
        wanted = {"lesion": (False,), "healthy": (True,)}.get(self.cls.population, (False, True))
        return [scored for scored in toy_cohort() if scored.healthy in wanted]

    def view(self, scored: Scored, threshold: float | None = THRESHOLD) -> View:
        """The view of a case as the evaluation makes it; a metric without a threshold rule gets no threshold."""
        return View(Curve.of_case(scored, regions=True), scored, threshold if self.cls.per_rule else None)

    def of_case(self, scored: Scored, threshold: float | None = THRESHOLD) -> Value | None:
        """The value of one case."""
        return self.new().case(self.view(scored, threshold))

    def of_pool(self, cases: Sequence[Scored], threshold: float | None = THRESHOLD) -> Value | None:
        """The pooled value of several cases: `joined`, or `pooled` where `joined` gives none."""
        metric, views = self.new(), [self.view(scored, threshold) for scored in cases]
        kept = [evidence for view in views if (evidence := metric.keep(view)) is not None]
        value = metric.joined(kept)
        return value if value is not None else metric.pooled(self._pool(views, threshold))

    def answers(self, cases: Sequence[Scored], threshold: float | None = THRESHOLD) -> dict[str, Value]:
        """All values of a cohort that the metric gives: by case id, and "pooled"."""
        found = {scored.case_id: self.of_case(scored, threshold) for scored in cases}
        found["pooled"] = self.of_pool(cases, threshold)
        return {key: value for key, value in found.items() if value is not None}

    def _pool(self, views: Iterable[View], threshold: float | None) -> View:
        curve = Curve.pool(view.curve for view in views if view.curve.n_brain)
        return View(curve, None, threshold if self.cls.per_rule else None)

    @cached_property
    def first_answers(self) -> dict[str, Any]:
        """`answers` for the toy cohort. Raises whatever the metric does."""
        return self.answers(self.cohort())

    @property
    def reference(self) -> dict[str, Value]:
        """`first_answers`. Raises NotChecked where they are no values, so that a fault breaks one promise only."""
        try:
            answers = self.first_answers
        except Exception as error:
            raise NotChecked("it depends on the promise `values`") from error
        if any(problem(value) for value in answers.values()):
            raise NotChecked("it depends on the promise `values`")
        if all(value.value is None for value in answers.values()):
            raise NotChecked("the metric is undefined for every toy case")
        return answers

    @property
    def interval(self) -> tuple[float, float]:
        """The declared range of values. Raises NotChecked without a declaration, ValueError for one that is none."""
        text = str(getattr(self.cls, "value_range", ""))
        if not text:
            raise NotChecked("the metric declares no `value_range`")
        return parse_range(text)


def problem(answer: Any) -> str:
    """What is wrong with the answer of a metric, or ""."""
    if not isinstance(answer, Value):
        return f"{type(answer).__name__} instead of Value"
    if answer.value is None:
        return "" if REASON.fullmatch(answer.reason) else f"no value, and the reason {answer.reason!r}"
    numbers = [answer.value, *answer.extra.values()]
    return "" if all(math.isfinite(number) for number in numbers) else f"{numbers}"
