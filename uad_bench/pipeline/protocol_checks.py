"""Whether a protocol can be carried out: its steps, rules and metrics exist, and its primary metric may rank."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from uad_bench import plugins
from uad_bench.config import Protocol
from uad_bench.errors import PluginError, UsageError, unknown_name

if TYPE_CHECKING:
    from uad_bench.evaluate.metric import Metric

Form = Literal["case", "pooled"]
FORMS: tuple[Form, ...] = ("case", "pooled")


def check_protocol(protocol: Protocol) -> None:
    """Raise UsageError for a step, rule or metric that does not exist, before hours of training and not after."""
    from uad_bench.evaluate import postprocess, thresholds
    from uad_bench.prepare.chain import parse_steps

    parse_steps(protocol.steps)
    postprocess.parse(protocol.postprocess)
    for rule in protocol.thresholds:
        thresholds.healthy_percent(rule)
    known: dict[str, tuple[bool, bool]] = {}
    for metric in load_metrics(protocol.metrics):
        # Not every metric has both forms: one of scans has no value per case, one of surfaces no pooled value.
        known |= row_facts([metric], protocol.thresholds, _forms(metric))
    if protocol.primary not in known:
        raise unknown_name("primary metric", protocol.primary, known, hint="(of the protocol's own metrics)")
    if why := _why_not(protocol.primary, *known[protocol.primary]):
        hint = "choose a primary metric that does not use the test labels, and of which higher is better"
        raise UsageError(f"protocol.primary is {protocol.primary!r}, which {why}", hint=hint)


def _why_not(number: str, oracle: bool, higher_is_better: bool) -> str:
    """Why a number may not rank methods, or ""."""
    from uad_bench.evaluate.metrics.declarations.table import declaration_of

    declared = declaration_of(number)
    if oracle:
        return "uses the test labels"
    if declared and not declared.better:
        return "is a reference value"
    return "" if higher_is_better else "is better the lower it is"


def load_metrics(names: Sequence[str]) -> list["Metric"]:
    """The metrics of a protocol, by name.

    Raises UsageError for an unknown one, PluginError for one whose own name would make ambiguous row names.
    """
    metrics: list[Metric] = [plugins.load(plugins.resolve("metric", name))() for name in names]
    for metric in metrics:
        if not plugins.METRIC_NAME.fullmatch(metric.name):
            what = f"the metric name {metric.name!r} does not match {plugins.METRIC_NAME.pattern}"
            hint = "in row names, @ precedes the threshold rule and . the form"
            raise PluginError(what, hint=hint)
    return metrics


def declared_ranges(metrics: "Iterable[Metric]") -> dict[str, str]:
    """The declared range of each metric of a plug-in, by name; those of the built-in metrics are in docs/metrics.md."""
    from uad_bench.evaluate.metrics.declarations.table import METRICS

    return {one.name: one.value_range for one in metrics if one.value_range and one.name not in METRICS}


def _forms(metric: "Metric") -> tuple[Form, ...]:
    """The numbers over several cases that a metric has: declared, or those that the class of a plug-in computes."""
    from uad_bench.evaluate.metric import Metric
    from uad_bench.evaluate.metrics.declarations.table import METRICS

    cls, declared = type(metric), METRICS.get(metric.name)
    if declared and declared.class_name == cls.__name__:
        return declared.forms
    pooled = cls.pooled is not Metric.pooled or cls.joined is not Metric.joined
    return tuple(form for form, has in zip(FORMS, (cls.case is not Metric.case, pooled), strict=True) if has)


def row_facts(
    metrics: "Iterable[Metric]", rules: Sequence[str], forms: Sequence[Form] = FORMS
) -> dict[str, tuple[bool, bool]]:
    """For every row name that these metrics and rules can give: whether it is an oracle, whether higher is better."""
    from uad_bench.evaluate.metric import metric_name

    return {
        metric_name(metric, form, rule): (metric.oracle or rule.startswith("oracle"), metric.higher_is_better)
        for metric in metrics
        for rule in (rules if metric.per_rule else ("",))
        for form in forms
    }
