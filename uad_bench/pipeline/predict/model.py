"""A trained model: a finished run directory, its method loaded once for all scans, and its healthy thresholds."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uad_bench.cohort.discovery import Sources, default_cache
from uad_bench.config import MAPS_ONLY, RunSpec, digest
from uad_bench.errors import UsageError
from uad_bench.pipeline.foreign_code import require_installed_method
from uad_bench.pipeline.model import context, stored
from uad_bench.pipeline.run_job import Workplace
from uad_bench.results.find_runs import find_runs
from uad_bench.results.readable import readable
from uad_bench.results.run_cases import steps_of
from uad_bench.results.run_directory import RunDir
from uad_bench.support import environment
from uad_bench.support.atomic_files import sha256

if TYPE_CHECKING:
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context

log = logging.getLogger(__name__)

HEALTHY_RULE = re.compile(r"healthy_q(\d\d)")


@dataclass(frozen=True)
class HealthyThreshold:
    """A threshold from the healthy validation scans of the run.

    healthy_share: the share of their brain voxels above it, by the rule; n_cases: the number of these scans.
    """

    rule: str
    value: float
    healthy_share: float
    n_cases: int


@dataclass(frozen=True)
class TrainedModel:
    """A finished run as a model: all that turns a scan into an anomaly map.

    steps: of the preparation, with what was learnt from the training scans; thresholds: ordered by value. The method is
    loaded at its first use.
    """

    run: RunDir
    spec: RunSpec
    steps: Sequence[Mapping[str, Any]]
    thresholds: tuple[HealthyThreshold, ...]
    place: Workplace

    @cached_property
    def method(self) -> "Method":
        """The method as the run stored it. Raises IntegrityError or PluginError as `pipeline.model.stored`."""
        return stored(self.run, self.spec, self.place)

    @cached_property
    def context(self) -> "Context":
        """The context of scoring; it also sets the number of threads."""
        return context(self.spec, self.place)

    @cached_property
    def identity(self) -> str:
        """12 hex digits of what made the model: specification, learnt preparation and the files of the model."""
        values = self.spec.model_dump(mode="json", exclude={"test", "datasets", "keep_maps", "map_bits"})
        kept = self.run.path / "model.json"
        return digest([values, [dict(s) for s in self.steps], sha256(kept) if kept.is_file() else ""])


def open_model(
    folder: Path, *, device: str = "cpu", threads: int = 0, workers: int = 1, trusted: Collection[str] = ()
) -> TrainedModel:
    """The model of a run directory; its files are checked, and no code that it names is imported unless it is installed
    or `trusted` names it.

    threads: 0 takes the number that the run was made with, so that the bits are those of the run. Raises UsageError for
    a folder that is not one finished run (UB252), IntegrityError for an edited run (UB508) and for code that is not
    installed (UB502), PluginError where the plug-in of the method is not installed (UB411).
    """
    run = _one_run(folder)
    run.verify()
    require_installed_method(run, trusted)
    spec = run.spec()
    with readable(run):
        threads = threads or _threads_of(run)
        steps, thresholds = tuple(steps_of(run, spec)), healthy_thresholds(run)
    place = Workplace(run.path.parent, Sources(default_cache(), workers=workers), device, threads)
    return TrainedModel(run, spec, steps, thresholds, place)


def _threads_of(run: RunDir) -> int:
    """The threads that a run was made with, at most those of this machine."""
    then, here = int(run.environment().get("threads", 0)), environment.threads()
    if then > here:
        log.warning("%s was made with %d threads, here are %d: last bits may differ", run.name, then, here)
    return min(then, here) if then > 0 else here


def _one_run(folder: Path) -> RunDir:
    runs = find_runs([folder])
    if len(runs) != 1:
        what = f"{len(runs)} runs in the folder" if runs else "the folder is no run directory"
        hint = "name the folder of one run, <out>/<protocol>/<method>/<run>"
        raise UsageError(what, where=str(folder), hint=hint, code="UB252")
    run = RunDir(runs[0].path.resolve())
    if run.state != "complete":
        what = f"the run is not complete, its state is {run.state!r}"
        raise UsageError(what, where=run.name, hint="finish it with --resume", code="UB252")
    if run.spec().target == MAPS_ONLY:
        what = "the run holds maps of another program and no model"
        raise UsageError(what, where=run.name, hint="name a run that was trained here", code="UB252")
    return run


def healthy_thresholds(run: RunDir) -> tuple[HealthyThreshold, ...]:
    """The healthy quantiles in thresholds.csv, which no label of a test case has touched, ordered by value."""
    found: dict[str, HealthyThreshold] = {}
    for row in run.table("thresholds.csv"):
        match = HEALTHY_RULE.fullmatch(row["rule"])
        if match and row["value"] and row["rule"] not in found:
            share = round(1 - int(match[1]) / 100, 4)
            cases = int(row["n_cases"] or 0)
            found[row["rule"]] = HealthyThreshold(row["rule"], float(row["value"]), share, cases)
    return tuple(sorted(found.values(), key=lambda one: one.value))
