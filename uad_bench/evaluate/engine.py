"""From post-processed maps and lesion masks to rows of numbers, for the test cases of one dataset.

Cases stream by one at a time; of each only its curve is kept, 4 bytes for a brain voxel, so that pools are
exact. The numbers do not depend on the order of the cases.

Groups: "all" is every case that is not healthy, each lesion kind is one of its own, "healthy" the healthy
scans. A metric is asked about the cases of its population only, and a pool never mixes the two.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uad_bench.errors import DataError, PluginError, unknown_name
from uad_bench.evaluate.curve import Curve
from uad_bench.evaluate.metric import Metric, View, metric_name
from uad_bench.evaluate.thresholds import Threshold, refuse_leaks
from uad_bench.types import Scored, Value


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


@dataclass(frozen=True)
class Evaluation:
    """All rows of one dataset, sorted by case and by group, and the thresholds that were used."""

    case_rows: tuple[CaseRow, ...]
    set_rows: tuple[SetRow, ...]
    thresholds: Mapping[str, Threshold]


@dataclass(frozen=True)
class _Ask:
    """One metric under one rule ("" where it takes none)."""

    metric: Metric
    rule: str
    threshold: Threshold | None

    @property
    def name(self) -> str:
        return f"{self.metric.name}@{self.rule}" if self.rule else self.metric.name

    def of_case(self, scored: Scored, curve: Curve) -> Value | None:
        """The case's value, checked."""
        at = self.threshold.value if self.threshold else None
        if self.rule == "oracle_case":
            best = curve.best_dice()
            at = best[1] if best else None
        return self._checked(self.metric.case(View(curve, scored, at)), f"case {scored.case_id}")

    def of_pool(self, curve: Curve) -> Value | None:
        """The pool's value, checked; a threshold for each case has no pooled form."""
        if self.rule == "oracle_case":
            return None
        at = self.threshold.value if self.threshold else None
        return self._checked(self.metric.pooled(View(curve, None, at)), "pooled")

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


@dataclass(frozen=True)
class _Result:
    """What is kept of a case."""

    case_id: str
    lesion_kind: str
    healthy: bool
    curve: Curve
    values: Mapping[str, Value]


def evaluate(
    test: Iterable[Scored],
    metrics: Sequence[Metric],
    thresholds: Mapping[str, Threshold],
    rules: Sequence[str] | None = None,
) -> Evaluation:
    """Every metric for every case and group, under every rule (by default each of `thresholds`).

    `test` holds post-processed maps; its brain masks are the region of interest. It is gone through once.
    Raises UsageError for a rule without an entry in `thresholds`, DataError where a case comes twice or a
    threshold has seen a test case, PluginError where a map or a metric is not finite.
    """
    used = _used(thresholds, thresholds if rules is None else rules)
    asks = {
        population: [
            ask for metric in metrics if metric.population == population for ask in _asks(metric, used)
        ]
        for population in ("lesion", "healthy")
    }
    results = [_result(scored, asks["healthy" if scored.healthy else "lesion"]) for scored in test]
    results.sort(key=lambda result: result.case_id)
    _refuse_twins(results)
    refuse_leaks(used.values(), [result.case_id for result in results])
    set_rows = [
        row
        for group, members in _groups(results).items()
        for row in _set_rows(group, asks["healthy" if group == "healthy" else "lesion"], members)
    ]
    return Evaluation(tuple(_case_rows(results)), tuple(set_rows), used)


def _used(thresholds: Mapping[str, Threshold], rules: Iterable[str]) -> dict[str, Threshold]:
    for rule in rules:
        if rule not in thresholds:
            raise unknown_name("threshold rule", rule, thresholds)
    return {rule: thresholds[rule] for rule in rules}


def _asks(metric: Metric, thresholds: Mapping[str, Threshold]) -> Iterator[_Ask]:
    if not metric.per_rule:
        yield _Ask(metric, "", None)
        return
    for rule, threshold in thresholds.items():
        # A healthy scan has no lesion to find its own best threshold by.
        if not (rule == "oracle_case" and metric.population == "healthy"):
            yield _Ask(metric, rule, threshold)


def _result(scored: Scored, asks: Sequence[_Ask]) -> _Result:
    curve = _curve(scored)
    values = {ask.name: value for ask in asks if (value := ask.of_case(scored, curve)) is not None}
    return _Result(scored.case_id, scored.lesion_kind, scored.healthy, curve, values)


def _curve(scored: Scored) -> Curve:
    try:
        return Curve.of_case(scored)
    except PluginError as error:
        raise PluginError(error.what, where=f"case {scored.case_id}", hint=error.hint) from error


def _refuse_twins(results: Sequence[_Result]) -> None:
    times = Counter(result.case_id for result in results)
    twins = [case_id for case_id, n in times.items() if n > 1]
    if twins:
        raise DataError("a test case comes more than once", where=", ".join(twins))


def _groups(results: Sequence[_Result]) -> dict[str, list[_Result]]:
    lesion = [result for result in results if not result.healthy]
    healthy = [result for result in results if result.healthy]
    kinds = sorted({result.lesion_kind for result in lesion} - {""})
    if {"all", "healthy"} & set(kinds):
        raise DataError("a lesion kind is called 'all' or 'healthy'", hint="these words name groups of cases")
    groups = {"all": lesion, **{kind: [r for r in lesion if r.lesion_kind == kind] for kind in kinds}}
    groups["healthy"] = healthy
    return {name: members for name, members in groups.items() if members}


def _case_rows(results: Sequence[_Result]) -> Iterator[CaseRow]:
    for result in results:
        for name, value in result.values.items():
            yield CaseRow(result.case_id, result.lesion_kind, name, value.value, value.reason)


def _set_rows(group: str, asks: Sequence[_Ask], members: Sequence[_Result]) -> Iterator[SetRow]:
    seen = [result.curve for result in members if result.curve.n_brain]
    pool = Curve.pool(seen)
    for ask in asks:
        values = [result.values[ask.name] for result in members if ask.name in result.values]
        if values:
            yield _mean(group, ask, values)
        value = ask.of_pool(pool)
        if value is not None:
            yield _pooled(group, ask, value, len(seen), len(members))


def _mean(group: str, ask: _Ask, values: Sequence[Value]) -> SetRow:
    defined = [value.value for value in values if value.value is not None]
    reasons = sorted({value.reason for value in values if value.value is None})
    mean = math.fsum(defined) / len(defined) if defined else None
    name = metric_name(ask.metric, "case", ask.rule)
    return SetRow(group, name, mean, len(defined), len(values) - len(defined), " ".join(reasons))


def _pooled(group: str, ask: _Ask, value: Value, seen: int, total: int) -> SetRow:
    n = seen if value.value is not None else 0
    reason = value.reason or ("empty_brain" if seen < total else "")
    return SetRow(group, metric_name(ask.metric, "pooled", ask.rule), value.value, n, total - n, reason)
