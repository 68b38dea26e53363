"""The Metric contract: what a metric is handed, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from uad_bench.types import BoolArray, Scored, Value

if TYPE_CHECKING:
    from uad_bench.evaluate.curves.curve import Curve


@dataclass(frozen=True)
class View:
    """What a metric looks at: one case, or a pool of cases.

    curve: the exact operating points inside the brain (lesion voxels outside it count as misses);
    scored: the case's arrays, None for a pool; threshold: the operating threshold (map >= threshold is
    anomalous) of the rule being asked, None where the metric takes none or the rule gave none; cleanup: what the
    protocol does to a thresholded map, in order.
    """

    curve: "Curve"
    scored: Scored | None = None
    threshold: float | None = None
    cleanup: tuple[Callable[[BoolArray], BoolArray], ...] = ()

    @cached_property
    def prediction(self) -> BoolArray | None:
        """What is called anomalous, bool (X, Y, Z): the brain where map >= threshold, after the protocol's clean-up
        of predictions; None for a pool, and without a threshold."""
        if self.scored is None or self.threshold is None:
            return None
        # As the curve does: the threshold is narrowed to the map's own width, never the map widened.
        at = self.scored.map.dtype.type(self.threshold)
        found: BoolArray = (self.scored.map >= at) & self.scored.brain_mask
        for step in self.cleanup:
            found = step(found)
        return found


class Metric:
    """One number with a name. Derive and write `case`, `pooled`, or both; or `keep` and `joined`.

    population: which test cases it is asked about; a metric about "both" is asked about the healthy test cases
    together with the lesion cases of each group. per_rule: asked once for every threshold rule of the
    protocol, and then named `name@rule`. oracle: it looks at test labels to pick an operating point, so it is
    marked and never ranks a table. ledger: asked before each post-processing step, too. Not defined is
    `Value(None, reason)`, never NaN.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    oracle: ClassVar[bool] = False
    per_rule: ClassVar[bool] = False
    ledger: ClassVar[bool] = False
    population: ClassVar[Literal["lesion", "healthy", "both"]] = "lesion"

    def case(self, view: View) -> Value | None:
        """The value for one case (`view.scored` is set); None: this metric has no per-case form."""
        return None

    def pooled(self, view: View) -> Value | None:
        """The value for all voxels of several cases at once; None: this metric has no pooled form."""
        return None

    def keep(self, view: View) -> Any:  # the metric's own evidence, handed back to `joined`
        """Small evidence of one case (`view.scored` is set) that `joined` makes the pooled value from; None: none."""
        return None

    def joined(self, kept: Sequence[Any]) -> Value | None:
        """The pooled value from what `keep` gave for each case that gave any, in the order of their ids."""
        return None


def metric_name(metric: type[Metric] | Metric, form: Literal["case", "pooled"], rule: str = "") -> str:
    """The name under which a number over several cases is reported.

    `ap.case` is the mean of the cases' values, `ap.pooled` the value of all their voxels at once. With a
    threshold rule the mean over cases is the plain form, `dice@tune`, beside `dice.pooled@tune`.
    """
    if not metric.per_rule:
        return f"{metric.name}.{form}"
    return f"{metric.name}@{rule}" if form == "case" else f"{metric.name}.pooled@{rule}"
