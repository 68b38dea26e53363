"""A trained model: a finished run or a bundle, its method loaded once for all scans, and its healthy thresholds."""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uad_bench.cohort.discovery import Sources, default_cache
from uad_bench.config import RunSpec
from uad_bench.errors import UsageError
from uad_bench.pipeline.foreign_code import require_installed_method
from uad_bench.pipeline.model import context, stored
from uad_bench.pipeline.run_job import Workplace
from uad_bench.pipeline.trained.key import code_digest
from uad_bench.results.find_runs import one_run
from uad_bench.results.readable import readable
from uad_bench.results.run_cases import steps_of
from uad_bench.results.run_directory import RunDir
from uad_bench.support import environment
from uad_bench.weights.bundle import is_bundle
from uad_bench.weights.model_bundle import ModelBundle, open_model_bundle
from uad_bench.weights.portable import HEALTHY_RULE, model_identity
from uad_bench.weights.store import default_store, is_reference, reference, stored_bundle

if TYPE_CHECKING:
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context

log = logging.getLogger(__name__)


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
    """A finished run, or the bundle of one, as a model: all that turns a scan into an anomaly map.

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
        return model_identity(self.spec, self.steps, self.run.path / "model.json")


def open_model(
    model: Path | str,
    *,
    device: str = "cpu",
    threads: int = 0,
    workers: int = 1,
    trusted: Collection[str] = (),
) -> TrainedModel:
    """The model of a run directory or of a bundle; its files are checked, and no code that it names is imported unless
    it is installed or `trusted` names it.

    threads: 0 takes the number that the run was made with, so that the bits are those of the run. Raises UsageError for
    a folder that is not one finished run (UB252) and for an unknown bundle (UB260), IntegrityError for an edited run
    (UB508) or bundle (UB510, UB511) and for code that is not installed (UB502), PluginError where the plug-in of the
    method is not installed (UB411).
    """
    run = _model_source(model)
    run.verify()
    require_installed_method(run, trusted)
    spec = run.spec()
    with readable(run):
        if isinstance(run, ModelBundle):
            _compare_code(run, spec)
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


def _model_source(model: Path | str) -> RunDir:
    """The run or the bundle that a user names: a folder, or NAME@DIGEST of a bundle on this machine."""
    path = Path(model)
    if not path.exists() and is_reference(str(model)):
        return open_model_bundle(stored_bundle(reference(str(model)), default_store()).folder)
    if is_bundle(path):
        return open_model_bundle(path)
    inside = sorted(path.glob("*/manifest.json")) if path.is_dir() else []
    if inside or not path.is_dir():
        what = (
            f"the folder holds {len(inside)} bundles" if inside else "no such folder of a run or of a bundle"
        )
        one = (
            f"name one of them, for instance {inside[0].parent}"
            if inside
            else "name the folder of one run or bundle"
        )
        raise UsageError(
            what, where=str(path), hint=f"{one}, or NAME@DIGEST of a bundle on this machine", code="UB252"
        )
    return one_run(path)


def _compare_code(run: ModelBundle, spec: RunSpec) -> None:
    """Warn where other code than that which trained a bundle's model is installed."""
    trained = str(run.environment().get("code", ""))
    if trained and trained != code_digest(spec.target):
        made = ", ".join(f"{name} {one}" for name, one in run.facts.versions.items() if one)
        log.warning("%s was trained by other code than is installed (%s): maps may differ", run.name, made)


def healthy_thresholds(run: RunDir) -> tuple[HealthyThreshold, ...]:
    """The healthy quantiles in thresholds.csv, which no label of a test case has touched, ordered by value."""
    found: dict[str, HealthyThreshold] = {}
    for row in run.table("thresholds.csv"):
        match = HEALTHY_RULE.fullmatch(row["rule"])
        if match and row["value"] and row["rule"] not in found:
            if not math.isfinite(float(row["value"])):
                raise ValueError(f"the threshold {row['rule']} is {row['value']}")
            share = round(1 - int(match[1]) / 100, 4)
            cases = int(row["n_cases"] or 0)
            found[row["rule"]] = HealthyThreshold(row["rule"], float(row["value"]), share, cases)
    return tuple(sorted(found.values(), key=lambda one: one.value))
