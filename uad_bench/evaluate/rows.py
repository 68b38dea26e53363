"""The rows of an evaluation: values of cases, and means, pooled values and resampled values of groups."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from uad_bench.evaluate.case_groups import CaseResult, Group, PooledCurves, groups
from uad_bench.evaluate.curves.bootstrap import Resampled
from uad_bench.evaluate.curves.operating_points import Floats
from uad_bench.evaluate.metric import metric_name
from uad_bench.evaluate.metric_queries import MetricQuery
from uad_bench.types import Value


@dataclass(frozen=True)
class CaseRow:
    """The value of a metric for one case; `metric` includes the rule: "ap", "dice@tune". None comes with a reason."""

    case_id: str
    lesion_kind: str
    metric: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class SetRow:
    """A number over the cases of a group; `metric` includes form and rule: "ap.pooled", "dice@tune".

    value: the mean over the cases where it is defined, or the pooled value. n: the cases that are in it. undefined: the
    cases of the group that are not in it. reason: why not, each reason once. A case that is not in a pooled value has
    the reason of its own value, otherwise `empty_brain`, or `not_kept` where the metric kept nothing of a case with a
    brain. `no_healthy`: a metric of both populations has a pooled curve without a healthy scan.
    """

    group: str
    metric: str
    value: float | None
    n: int
    undefined: int
    reason: str = ""


def case_rows(results: Sequence[CaseResult]) -> Iterator[CaseRow]:
    """A row for every value of every case."""
    for result in results:
        for name, value in result.values.items():
            yield CaseRow(result.case_id, result.lesion_kind, name, value.value, value.reason)


def reports(
    results: Sequence[CaseResult], queries: Sequence[MetricQuery], *, strata: bool = True
) -> list["GroupReport"]:
    """The queries of each group: lesion metrics for every group of lesion cases, metrics of both populations for all
    groups of lesion cases but the strata, healthy metrics for the healthy scans."""
    found = [group for group in groups(results) if strata or not group.stratum]
    healthy = [result for result in results if result.healthy]
    populations = {
        group.name: ("healthy",) if group.healthy else ("lesion",) if group.stratum else ("lesion", "both")
        for group in found
    }
    return [
        GroupReport(group, healthy, [q for q in queries if q.metric.population in populations[group.name]])
        for group in found
    ]


@dataclass(frozen=True)
class GroupReport:
    """A group and its queries; healthy: all healthy test cases."""

    group: Group
    healthy: Sequence[CaseResult]
    queries: Sequence[MetricQuery]

    @property
    def resampled(self) -> bool:
        """Whether the cases of the group are resampled: those of "all" and of the lesion kinds."""
        return not (self.group.stratum or self.group.healthy)

    def pools(self) -> Iterator[tuple[str, Sequence[CaseResult]]]:
        """The name and the members of each pool whose curve is needed."""
        needed = [query for query in self.queries if query.uses_pooled_curve]
        yield from {self._pool(query): self._members(query) for query in needed}.items()

    def rows(self, pooled: PooledCurves) -> Iterator[SetRow]:
        """The mean over cases and the pooled value of every query."""
        for query in self.queries:
            members = self._members(query)
            values = [result.values[query.name] for result in members if query.name in result.values]
            if values:
                yield self._mean(query, values)
            yield from self._pooled(query, members, pooled)

    def draws(self, pooled: PooledCurves) -> Iterator[tuple[tuple[str, str], Floats]]:
        """The pooled values of a group of lesion cases under resamples of its cases, by group and name."""
        queries = [q for q in self.queries if q.uses_pooled_curve and q.metric.population == "lesion"]
        if not (self.resampled and queries):
            return
        cases = pooled.bootstrap_cases(self.group.name, self.group.members)
        if not cases:
            return
        resampled = Resampled(cases, pooled[self.group.name].points)
        for query in queries:
            values = query.resampled_values(resampled)
            if values is not None:
                yield (self.group.name, query.pooled_name), values

    def _mean(self, query: MetricQuery, values: Sequence[Value]) -> SetRow:
        defined = [value.value for value in values if value.value is not None]
        reasons = sorted({value.reason for value in values if value.value is None})
        mean = math.fsum(defined) / len(defined) if defined else None
        name = metric_name(query.metric, "case", query.rule)
        return SetRow(
            self.group.name, name, mean, len(defined), len(values) - len(defined), " ".join(reasons)
        )

    def _pooled(
        self, query: MetricQuery, members: Sequence[CaseResult], pooled: PooledCurves
    ) -> Iterator[SetRow]:
        """The pooled value, from what was kept of the cases or otherwise from their pooled curve."""
        kept = [result.kept[query.name] for result in members if query.name in result.kept]
        if (value := query.joined_value(kept)) is not None:
            left_out = [result for result in members if query.name not in result.kept]
        elif query.uses_pooled_curve and (value := query.pooled_value(pooled[self._pool(query)])) is not None:
            left_out = [result for result in members if not result.has_brain]
            if value.value is not None and not _compares(query, members):
                value = Value(None, "no_healthy")
        else:
            return
        n = len(members) - len(left_out) if value.value is not None else 0
        reason = value.reason or " ".join(sorted({_reason(query, result) for result in left_out}))
        yield SetRow(self.group.name, query.pooled_name, value.value, n, len(members) - n, reason)

    def _members(self, query: MetricQuery) -> Sequence[CaseResult]:
        """The cases of a query, in the order of their ids."""
        if query.metric.population != "both":
            return self.group.members
        return sorted([*self.group.members, *self.healthy], key=lambda result: result.case_id)

    def _pool(self, query: MetricQuery) -> str:
        both = query.metric.population == "both"
        return f"{self.group.name}\nand healthy" if both else self.group.name  # no group has a line break


def _compares(query: MetricQuery, members: Sequence[CaseResult]) -> bool:
    """False for a metric of lesion cases and healthy scans where no healthy scan has a brain to compare with."""
    return query.metric.population != "both" or any(one.healthy and one.has_brain for one in members)


def _reason(query: MetricQuery, result: CaseResult) -> str:
    """Why a case is not in a pooled value."""
    own = result.values.get(query.name)
    return (own.reason if own else "") or ("not_kept" if result.has_brain else "empty_brain")
