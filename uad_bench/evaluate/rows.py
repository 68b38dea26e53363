"""The rows of an evaluation: values of cases, and means, pooled values and draws of groups."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from uad_bench.evaluate.case_groups import Group, Pools, Result, groups
from uad_bench.evaluate.curves.bootstrap import Resampled
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.metric import metric_name
from uad_bench.evaluate.metric_queries import Ask
from uad_bench.types import Value


@dataclass(frozen=True)
class CaseRow:
    """A metric's value for one case; `metric` carries the rule: "ap", "dice@tune". None has a reason."""

    case_id: str
    lesion_kind: str
    metric: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class SetRow:
    """A number over the cases of a group; `metric` carries form and rule: "ap.pooled", "dice@tune".

    value: the mean over the cases where it is defined, or the value of their pooled voxels; n: the cases in
    it; undefined: the cases of the group that are not in it; reason: why not, a word for each sort. Of a pooled value,
    a case that is not in it gives the reason of its own value, else `empty_brain`, or `not_kept` where the metric
    kept nothing of a brain and says no more.
    """

    group: str
    metric: str
    value: float | None
    n: int
    undefined: int
    reason: str = ""


def case_rows(results: Sequence[Result]) -> Iterator[CaseRow]:
    """A row for every value of every case."""
    for result in results:
        for name, value in result.values.items():
            yield CaseRow(result.case_id, result.lesion_kind, name, value.value, value.reason)


def reports(results: Sequence[Result], asks: Sequence[Ask], *, strata: bool = True) -> list["Report"]:
    """Who is asked what: lesion metrics in every group of lesion cases, those about "both" not in strata."""
    found = [group for group in groups(results) if strata or not group.stratum]
    healthy = [result for result in results if result.healthy]
    populations = {
        group.name: ("healthy",) if group.healthy else ("lesion",) if group.stratum else ("lesion", "both")
        for group in found
    }
    return [
        Report(group, healthy, [ask for ask in asks if ask.metric.population in populations[group.name]])
        for group in found
    ]


@dataclass(frozen=True)
class Report:
    """A group and what is asked about it; healthy: all healthy test cases."""

    group: Group
    healthy: Sequence[Result]
    asks: Sequence[Ask]

    @property
    def drawn(self) -> bool:
        """Whether the cases are resampled."""
        return not (self.group.stratum or self.group.healthy)

    def pools(self) -> Iterator[tuple[str, Sequence[Result]]]:
        """The name and members of each pool whose curve is asked about."""
        yield from {self._pool(ask): self._members(ask) for ask in self.asks if ask.pools}.items()

    def rows(self, pools: Pools) -> Iterator[SetRow]:
        """The mean over cases and the pooled value of every ask."""
        for ask in self.asks:
            members = self._members(ask)
            values = [result.values[ask.name] for result in members if ask.name in result.values]
            if values:
                yield self._mean(ask, values)
            yield from self._pooled(ask, members, pools)

    def draws(self, pools: Pools) -> Iterator[tuple[tuple[str, str], Floats]]:
        """The pooled values of a group of lesion cases under resamples of its patients."""
        asks = [ask for ask in self.asks if ask.pools and ask.metric.population == "lesion"]
        patients = pools.patients(self.group.name, self.group.members) if self.drawn and asks else []
        if not patients:
            return
        resampled = Resampled(patients, pools[self.group.name].points)
        for ask in asks:
            values = ask.drawn(resampled)
            if values is not None:
                yield (self.group.name, ask.pooled_name), values

    def _mean(self, ask: Ask, values: Sequence[Value]) -> SetRow:
        defined = [value.value for value in values if value.value is not None]
        reasons = sorted({value.reason for value in values if value.value is None})
        mean = math.fsum(defined) / len(defined) if defined else None
        name = metric_name(ask.metric, "case", ask.rule)
        return SetRow(
            self.group.name, name, mean, len(defined), len(values) - len(defined), " ".join(reasons)
        )

    def _pooled(self, ask: Ask, members: Sequence[Result], pools: Pools) -> Iterator[SetRow]:
        """The pooled value, from what was kept of the cases or else from their curve."""
        kept = [result.kept[ask.name] for result in members if ask.name in result.kept]
        if (value := ask.joined(kept)) is not None:
            left_out = [result for result in members if ask.name not in result.kept]
        elif ask.pools and (value := ask.of_pool(pools[self._pool(ask)])) is not None:
            left_out = [result for result in members if not result.seen]
        else:
            return
        n = len(members) - len(left_out) if value.value is not None else 0
        reason = value.reason or " ".join(sorted({_why_not(ask, result) for result in left_out}))
        yield SetRow(self.group.name, ask.pooled_name, value.value, n, len(members) - n, reason)

    def _members(self, ask: Ask) -> Sequence[Result]:
        """Who is asked, in the order of their ids."""
        if ask.metric.population != "both":
            return self.group.members
        return sorted([*self.group.members, *self.healthy], key=lambda result: result.case_id)

    def _pool(self, ask: Ask) -> str:
        return f"{self.group.name} and healthy" if ask.metric.population == "both" else self.group.name


def _why_not(ask: Ask, result: Result) -> str:
    """Why a case is not in a pooled value."""
    own = result.values.get(ask.name)
    return (own.reason if own else "") or ("not_kept" if result.seen else "empty_brain")
