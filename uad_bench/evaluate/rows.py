"""The rows of an evaluation: values of cases, and means, pooled values and draws of groups."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from uad_bench.evaluate.asks import Ask
from uad_bench.evaluate.bootstrap import Resampled
from uad_bench.evaluate.groups import Group, Pools, Result, groups
from uad_bench.evaluate.metric import metric_name
from uad_bench.evaluate.points import Floats
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
    it; undefined: the cases of the group that are not in it; reason: why not, a word for each sort.
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


def reports(results: Sequence[Result], asks: Sequence[Ask]) -> list["Report"]:
    """Who is asked what: lesion metrics in every group of lesion cases, those about "both" not in strata."""
    found = groups(results)
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
            kept = [result.kept[ask.name] for result in members if ask.name in result.kept]
            seen = sum(result.seen for result in members)
            if (joined := ask.joined(kept)) is not None:
                yield self._pooled(ask, joined, len(kept), len(members))
            elif ask.pools and (value := ask.of_pool(pools[self._pool(ask)])) is not None:
                reason = "empty_brain" if seen < len(members) else ""
                yield self._pooled(ask, Value(value.value, value.reason or reason), seen, len(members))

    def draws(self, pools: Pools) -> Iterator[tuple[tuple[str, str], Floats]]:
        """The pooled values of a group of lesion cases under resamples of its patients."""
        patients = [result.patient for result in self.group.members if result.patient]
        asks = [ask for ask in self.asks if ask.pools and ask.metric.population == "lesion"]
        if self.group.stratum or not (patients and asks):
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

    def _pooled(self, ask: Ask, value: Value, used: int, total: int) -> SetRow:
        n = used if value.value is not None else 0
        return SetRow(self.group.name, ask.pooled_name, value.value, n, total - n, value.reason)

    def _members(self, ask: Ask) -> Sequence[Result]:
        """Who is asked, in the order of their ids."""
        if ask.metric.population != "both":
            return self.group.members
        return sorted([*self.group.members, *self.healthy], key=lambda result: result.case_id)

    def _pool(self, ask: Ask) -> str:
        return f"{self.group.name} and healthy" if ask.metric.population == "both" else self.group.name
