"""Stage evaluate: stored maps and lesion masks become numbers; the method takes no part."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, Member
from uad_bench.config import RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.figures.run_figures import draw_run_figures
from uad_bench.pipeline.protocol_checks import declared_ranges, load_metrics, row_facts
from uad_bench.results import csv_tables
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps, remove_spools
from uad_bench.support import environment

if TYPE_CHECKING:
    from uad_bench.evaluate.engine import Evaluation
    from uad_bench.evaluate.metric import Metric
    from uad_bench.evaluate.postprocess import Step
    from uad_bench.evaluate.thresholds import Threshold

log = logging.getLogger(__name__)


#: Voxels of the grids of all test cases from which on other processes are started. The gain has not been measured.
PARALLEL_FROM = 5e7
#: Voxels of the grids of a set whose stored maps and masks are kept in memory, 300 MB, beside the maps after the steps.
SHARED_UP_TO = 5e7


def evaluate_run(
    directory: RunDir, spec: RunSpec, cohort: Cohort, device: str = "cpu", workers: int = 1
) -> None:
    """Write cases.csv, metrics.csv, thresholds.csv, draws.npz and the figures of a run from its maps.

    device: where post-processing steps that can use a GPU are computed; the same bits were seen on a simulated GPU
    only. workers: processes that compute the metrics of large test sets, with the same bits for every number. Raises
    IntegrityError for a map that cannot be read, DataError where a threshold used a test case.
    """
    from uad_bench.evaluate import postprocess

    remove_spools(directory)
    metrics = load_metrics(spec.protocol.metrics)
    steps = [step.on(device) for step in postprocess.parse(spec.protocol.postprocess)]
    maps = _Maps(directory, spec, cohort, workers)
    staged = stages(steps) if any(metric.per_stage for metric in metrics) else []
    maps.validate([steps, *(steps[:count] for count in range(len(staged)))])
    found: dict[str, Evaluation] = {}
    ablation: list[dict[str, Any]] = []
    for number, dataset in enumerate(map(plugins.label, spec.test)):
        test = maps.of("test", dataset, steps)
        evaluation = maps.measured(dataset, test, metrics, steps)
        sheet = f"sheet-{dataset}.png" if number else "sheet.png"
        draw_run_figures(directory, spec, test, dataset, sheet, evaluation)
        found[dataset] = evaluation = replace(evaluation, curves={})  # nothing else refers to the curves
        test.forget()  # before the raw maps take their memory
        ablation += maps.ablation(dataset, metrics, steps)
    _write(directory, found, ablation, row_facts(metrics, spec.protocol.thresholds), declared_ranges(metrics))
    log.info("%s seed %d: evaluated on %s", spec.method, spec.seed, ", ".join(found))


class _Maps:
    """The stored maps of a run, measured after all post-processing steps or after the first ones."""

    def __init__(self, directory: RunDir, spec: RunSpec, cohort: Cohort, workers: int) -> None:
        self._directory, self._spec, self._cohort, self._workers = directory, spec, cohort, workers
        self._raw: dict[str, ScoredMaps] = {}  # by role
        self._healthy: dict[int, dict[str, Threshold]] = {}  # shared by the test sets, by number of steps

    def validate(self, several: "Iterable[Sequence[Step]]") -> None:
        """The thresholds from the healthy scans after each of these steps; their maps are needed for nothing else."""
        from uad_bench.evaluate import thresholds

        names = [
            name for name in self._spec.protocol.thresholds if thresholds.healthy_percent(name) is not None
        ]
        for steps in several:
            scans = self.of("val", None, steps)
            self._healthy[len(steps)] = thresholds.resolve(names, validation=scans)
            self._forget(scans)
        self._raw.pop("val", None)

    def of(self, role: str, dataset: str | None, steps: "Sequence[Step]") -> ScoredMaps:
        """The maps of a role after these steps; small sets are unpacked once for all numbers of steps."""
        members = self._cohort.of(role, dataset)
        maps = partial(ScoredMaps, self._directory, members, self._spec)
        if self._voxels(members) > SHARED_UP_TO:
            return maps(steps)
        if role not in self._raw or self._raw[role].members != members:
            self._raw[role] = maps(())
        return maps(steps, self._raw[role]) if steps else self._raw[role]

    def measured(
        self,
        dataset: str,
        test: ScoredMaps,
        metrics: "Sequence[Metric]",
        steps: "Sequence[Step]",
        *,
        full: bool = True,
    ) -> "Evaluation":
        """All metrics of the test maps, at thresholds that come from maps after the same steps.

        full: also strata, patient resamples, score histograms and curves for figures; otherwise lesion kinds only.
        """
        from uad_bench.evaluate import engine, postprocess

        return engine.evaluate(
            test,
            metrics,
            self._thresholds(dataset, test, steps),
            self._spec.protocol.thresholds,
            prediction_steps=postprocess.split(steps)[1],
            strata=full,
            draws=full,
            sketches=full,
            curves=full,
            workers=environment.threads(),
            processes=self._workers if full and self._voxels(test.members) >= PARALLEL_FROM else 1,
        )

    def _thresholds(self, dataset: str, test: ScoredMaps, steps: "Sequence[Step]") -> "dict[str, Threshold]":
        """The threshold of every rule; the maps of tune cases are dropped before those of test cases are read."""
        from uad_bench.evaluate import thresholds

        names = self._spec.protocol.thresholds
        tune = self.of("tune", dataset, steps)
        of_tune = [name for name in names if name.startswith("tune")]
        found = self._healthy[len(steps)] | thresholds.resolve(of_tune, tune=tune)
        self._forget(tune)
        return found | thresholds.resolve([name for name in names if name not in found], test=test)

    def _forget(self, maps: ScoredMaps) -> None:
        """Drop maps that were computed here; stored maps serve other numbers of steps."""
        if maps not in self._raw.values():
            maps.forget()

    def _voxels(self, members: Sequence[Member]) -> int:
        return len(members) * math.prod(self._spec.protocol.grid.shape)

    def ablation(
        self, dataset: str, metrics: "Sequence[Metric]", steps: "Sequence[Step]"
    ) -> Iterator[dict[str, Any]]:
        """Post-processing ablation: rows of metrics.csv for the raw maps and after each step but the last.

        Their names are `raw:ap.case`, `median:ap.case`; all are computed from the same stored maps.
        """
        measured = [metric for metric in metrics if metric.per_stage]
        for count, stage in enumerate(stages(steps) if measured else ()):
            first = steps[:count]
            test = self.of("test", dataset, first)
            rows = self.measured(dataset, test, measured, first, full=False).set_rows
            self._forget(test)
            for row in rows:
                yield {"dataset": dataset, **vars(row), "metric": f"{stage}:{row.metric}"}


def stages(steps: "Sequence[Step]") -> list[str]:
    """The names of the maps before each step: "raw", then the step before; a repeated step gets a number."""
    names: list[str] = []
    for name in ["raw", *(step.step for step in steps[:-1])]:
        times = sum(one.partition("#")[0] == name for one in names)
        names.append(f"{name}#{times + 1}" if times else name)
    return names if steps else []


def _write(
    directory: RunDir,
    found: "Mapping[str, Evaluation]",
    ablation: Iterable[dict[str, Any]],
    known: Mapping[str, tuple[bool, bool]],
    ranges: Mapping[str, str],
) -> None:
    """The tables, sketches and draws of all test sets. known: of each row name, oracle and higher is better.

    ranges: those that metrics of plug-ins declare, by name; without any, metrics.csv has no column for them.
    """
    from uad_bench.evaluate.metrics.declarations.table import metric_of

    cases = (  # one at a time: a large run has 250,000
        {**vars(row), "dataset": d, "case_id": row.case_id.removeprefix(f"{d}/")}
        for d, e in found.items()
        for row in e.case_rows
    )
    sets = [{"dataset": d, **vars(row)} for d, e in found.items() for row in e.set_rows]
    for row in (numbers := [*sets, *ablation]):
        row["oracle"], row["higher_is_better"] = known[row["metric"].rpartition(":")[2]]
        row[csv_tables.VALUE_RANGE] = ranges.get(metric_of(row["metric"]))
    points = [_threshold_row(d, t) for d, e in found.items() for t in e.thresholds.values()]
    directory.write_table("cases.csv", csv_tables.CASE_COLUMNS, cases)
    columns = (*csv_tables.METRIC_COLUMNS, *((csv_tables.VALUE_RANGE,) if ranges else ()))
    directory.write_table("metrics.csv", columns, numbers)
    directory.write_table("thresholds.csv", csv_tables.THRESHOLD_COLUMNS, points)
    sketches = {
        d: {name.removeprefix(f"{d}/"): one for name, one in e.sketches.items()} for d, e in found.items()
    }
    directory.write_sketches(sketches)
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
