"""The Metric contract: what a metric is handed, and what it answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from uad_bench.types import Scored, Value

if TYPE_CHECKING:
    from uad_bench.evaluate.curve import Curve


@dataclass(frozen=True)
class View:
    """What a metric looks at: one case, or a pool of cases.

    curve: the exact operating points inside the brain (lesion voxels outside it count as misses);
    scored: the case's arrays, None for a pool; threshold: the operating threshold (map >= threshold is
    anomalous) of the rule being asked, None where the metric takes none or the rule gave none.
    """

    curve: "Curve"
    scored: Scored | None = None
    threshold: float | None = None


class Metric:
    """One number with a name. Derive and write `case`, `pooled`, or both.

    population: which test cases it is asked about. per_rule: asked once for every threshold rule of the
    protocol, and then named `name@rule`. oracle: it looks at test labels to pick an operating point, so it is
    marked and never ranks a table. Not defined is `Value(None, reason)`, never NaN.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    oracle: ClassVar[bool] = False
    per_rule: ClassVar[bool] = False
    population: ClassVar[Literal["lesion", "healthy"]] = "lesion"

    def case(self, view: View) -> Value | None:
        """The value for one case (`view.scored` is set); None: this metric has no per-case form."""
        return None

    def pooled(self, view: View) -> Value | None:
        """The value for all voxels of several cases at once; None: this metric has no pooled form."""
        return None


def metric_name(metric: type[Metric] | Metric, form: Literal["case", "pooled"], rule: str = "") -> str:
    """The name under which a number over several cases is reported.

    `ap.case` is the mean of the cases' values, `ap.pooled` the value of all their voxels at once. With a
    threshold rule the mean over cases is the plain form, `dice@tune`, beside `dice.pooled@tune`.
    """
    if not metric.per_rule:
        return f"{metric.name}.{form}"
    return f"{metric.name}@{rule}" if form == "case" else f"{metric.name}.pooled@{rule}"
