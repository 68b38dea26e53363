"""Stage evaluate of a run: stored maps and lesion masks become numbers; no method takes part any more."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort
from uad_bench.config import Protocol, RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import PluginError, UsageError, unknown_name
from uad_bench.figures.run_figures import draw
from uad_bench.results import csv_tables, run_directory
from uad_bench.results.scored_maps import Views, forget_spools
from uad_bench.support import environment

if TYPE_CHECKING:
    from uad_bench.evaluate.engine import Evaluation
    from uad_bench.evaluate.metric import Metric
    from uad_bench.evaluate.postprocess import Step
    from uad_bench.evaluate.thresholds import Threshold

log = logging.getLogger(__name__)

FORMS: tuple[Literal["case", "pooled"], ...] = ("case", "pooled")


def assess(directory: run_directory.RunDir, spec: RunSpec, cohort: Cohort) -> None:
    """Write cases.csv, metrics.csv, thresholds.csv, draws.npz and the pictures of a run from its maps.

    Raises IntegrityError for a map that cannot be read, DataError where a threshold saw a test case.
    """
    from uad_bench.evaluate import postprocess

    forget_spools(directory)
    metrics, steps = load_metrics(spec.protocol.metrics), postprocess.parse(spec.protocol.postprocess)
    maps = _Maps(directory, spec, cohort)
    found: dict[str, Evaluation] = {}
    ledger: list[dict[str, Any]] = []
    for number, dataset in enumerate(map(plugins.label, spec.test)):
        test = maps.views("test", dataset, steps)
        found[dataset] = maps.measured(dataset, test, metrics, steps)
        picture = f"sheet-{dataset}.png" if number else "sheet.png"
        draw(directory, spec, test, dataset, picture, found[dataset].thresholds)
        test.forget()  # before the raw maps take their place
        ledger += maps.ledger(dataset, metrics, steps)
    _write(directory, found, ledger, facts(metrics, spec.protocol.thresholds))
    log.info(f"{spec.method} seed {spec.seed}: evaluated on {', '.join(found)}")


class _Maps:
    """The stored maps of a run, measured after all post-processing steps or after the first of them."""

    def __init__(self, directory: run_directory.RunDir, spec: RunSpec, cohort: Cohort) -> None:
        self._directory, self._spec, self._cohort = directory, spec, cohort
        self._validation: dict[int, Views] = {}  # shared by the test sets, by number of steps

    def measured(
        self,
        dataset: str,
        test: Views,
        metrics: "Sequence[Metric]",
        steps: "Sequence[Step]",
        *,
        full: bool = True,
    ) -> "Evaluation":
        """All metrics at the thresholds that the same steps give; where it is not `full`, of lesion kinds alone and
        without resamples and sketches."""
        from uad_bench.evaluate import engine, postprocess, thresholds

        healthy = self._validation.setdefault(len(steps), self.views("val", None, steps))
        tune, asked = self.views("tune", dataset, steps), self._spec.protocol.thresholds
        rules = thresholds.resolve(asked, validation=healthy, tune=tune, test=test)
        cleanup = postprocess.split(steps)[1]
        return engine.evaluate(
            test,
            metrics,
            rules,
            asked,
            cleanup=cleanup,
            strata=full,
            draws=full,
            sketches=full,
            workers=environment.threads(),
        )

    def views(self, role: str, dataset: str | None, steps: "Sequence[Step]") -> Views:
        """The maps of a role after these steps."""
        return Views(self._directory, self._cohort.of(role, dataset), self._spec, steps)

    def ledger(
        self, dataset: str, metrics: "Sequence[Metric]", steps: "Sequence[Step]"
    ) -> Iterator[dict[str, Any]]:
        """What each clean-up step is worth: rows of metrics.csv for the raw maps and after each step but the last,
        `raw:ap.case`, `median:ap.case`; all from the same stored maps."""
        told = [metric for metric in metrics if metric.ledger]
        for count, stage in enumerate(stages(steps) if told else ()):
            first = steps[:count]
            test = self.views("test", dataset, first)
            for row in self.measured(dataset, test, told, first, full=False).set_rows:
                yield {"dataset": dataset, **vars(row), "metric": f"{stage}:{row.metric}"}


def stages(steps: "Sequence[Step]") -> list[str]:
    """The names of the maps before each step: "raw", then the step before, with a number where it comes again."""
    names: list[str] = []
    for name in ["raw", *(step.step for step in steps[:-1])]:
        times = sum(one.partition("#")[0] == name for one in names)
        names.append(f"{name}#{times + 1}" if times else name)
    return names if steps else []


def check_protocol(protocol: Protocol) -> None:
    """Raise UsageError for a step, rule or metric that does not exist, now and not after hours of training."""
    from uad_bench.evaluate import postprocess, thresholds
    from uad_bench.prepare.chain import parse_steps

    parse_steps(protocol.steps)
    postprocess.parse(protocol.postprocess)
    for rule in protocol.thresholds:
        thresholds.healthy_percent(rule)
    known = facts(load_metrics(protocol.metrics), protocol.thresholds)
    if protocol.primary not in known:
        raise unknown_name("primary metric", protocol.primary, known, hint="(of the protocol's own metrics)")
    oracle, higher = known[protocol.primary]
    if oracle or not higher:
        hint = "choose a primary metric that does not look at the test labels, and of which more is better"
        why = "looks at the test labels" if oracle else "is better the lower it is"
        raise UsageError(f"protocol.primary is {protocol.primary!r}, which {why}", hint=hint)


def load_metrics(names: Sequence[str]) -> list["Metric"]:
    """The metrics of a protocol, by name. Raises UsageError for an unknown one, PluginError for one whose own name
    would break the names of rows."""
    metrics: list[Metric] = [plugins.load(plugins.resolve("metric", name))() for name in names]
    for metric in metrics:
        if not plugins.METRIC_NAME.fullmatch(metric.name):
            what = (
                f"a metric calls itself {metric.name!r}, which does not match {plugins.METRIC_NAME.pattern}"
            )
            raise PluginError(what, hint="in rows, @ leads to the threshold rule and . to the form")
    return metrics


def facts(metrics: "Iterable[Metric]", rules: Sequence[str]) -> dict[str, tuple[bool, bool]]:
    """Of every name that a row can have under these rules: whether it is an oracle, and whether more is better."""
    from uad_bench.evaluate.metric import metric_name

    return {
        metric_name(metric, form, rule): (metric.oracle or rule.startswith("oracle"), metric.higher_is_better)
        for metric in metrics
        for rule in (rules if metric.per_rule else ("",))
        for form in FORMS
    }


def _write(
    directory: run_directory.RunDir,
    found: "Mapping[str, Evaluation]",
    ledger: Iterable[dict[str, Any]],
    known: Mapping[str, tuple[bool, bool]],
) -> None:
    cases = [
        {**vars(row), "dataset": d, "case_id": row.case_id.removeprefix(f"{d}/")}
        for d, e in found.items()
        for row in e.case_rows
    ]
    sets = [{"dataset": d, **vars(row)} for d, e in found.items() for row in e.set_rows]
    for row in (numbers := [*sets, *ledger]):
        row["oracle"], row["higher_is_better"] = known[row["metric"].rpartition(":")[2]]
    points = [_threshold_row(d, t) for d, e in found.items() for t in e.thresholds.values()]
    directory.write_table("cases.csv", csv_tables.CASE_COLUMNS, cases)
    directory.write_table("metrics.csv", csv_tables.METRIC_COLUMNS, numbers)
    directory.write_table("thresholds.csv", csv_tables.THRESHOLD_COLUMNS, points)
    directory.write_sketches(
        {
            d: {name.removeprefix(f"{d}/"): one.to_bytes() for name, one in e.sketches.items()}
            for d, e in found.items()
        }
    )
    directory.write_draws({(d, *key): values for d, e in found.items() for key, values in e.draws.items()})


def _threshold_row(dataset: str, threshold: "Threshold") -> dict[str, Any]:
    return {
        "dataset": dataset,
        "rule": threshold.rule,
        "value": threshold.value,
        "n_cases": len(threshold.case_ids),
        "ids_sha256": ids_hash(threshold.case_ids),
        "oracle": threshold.oracle,
        "reason": threshold.reason,
    }
