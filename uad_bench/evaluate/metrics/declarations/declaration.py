"""The declaration of a metric: every fact about it that needs no image. Importing it loads no numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["case", "pooled"]


@dataclass(frozen=True)
class Declaration:
    """All facts about one metric, for the registry, the metric's class, `uad-bench show` and docs/metrics.md.

    target: module and class below `uad_bench.evaluate.metrics`, such as "voxel:Dice". formula: plain text, in the
    notation of docs/metrics.md. undefined: the reasons why a case or a pool has no value; a metric with a threshold
    rule also reports the reason why the rule gave no threshold. unit: "" for a share. value_range: an interval.
    better: the better direction, "" for a reference value. forms: the numbers over several cases that it has.
    constants: the class attributes by which members of a family differ, such as {"limit": 0.3}. All other fields are
    class attributes of `uad_bench.Metric` and are explained there.
    """

    name: str
    target: str
    summary: str
    formula: str
    undefined: tuple[str, ...]
    source: str = ""
    unit: str = ""
    value_range: str = "[0, 1]"
    better: Literal["higher", "lower", ""] = "higher"
    forms: tuple[Form, ...] = ("case", "pooled")
    population: Literal["lesion", "healthy", "both"] = "lesion"
    per_rule: bool = False
    oracle: bool = False
    per_stage: bool = False
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """The class that `target` names."""
        return self.target.partition(":")[2]

    def attributes(self) -> dict[str, Any]:
        """The attributes of the metric's class, by name."""
        return {
            "name": self.name,
            "summary": self.summary,
            "formula": self.formula,
            "unit": self.unit,
            "value_range": self.value_range,
            "source": self.source,
            "higher_is_better": self.better != "lower",
            "population": self.population,
            "per_rule": self.per_rule,
            "oracle": self.oracle,
            "per_stage": self.per_stage,
            **self.constants,
        }
