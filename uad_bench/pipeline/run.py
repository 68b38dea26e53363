"""The story of one run: fit, score, evaluate, draw. Each stage reads what the one before left on disk.

    volumes -> cohort (uad_bench/cohort/cohort.py) -> fit -> model/ -> score -> maps/ -> evaluate -> *.csv -> *.png

So a repeated command finds its run, `--resume` goes on where a killed one stopped, and new metrics never train.
"""

import logging
import os
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, Member, Scans, iter_rows
from uad_bench.cohort.discovery import Sources
from uad_bench.config import RunSpec
from uad_bench.errors import UadError, UsageError
from uad_bench.figures.run_figures import TRAINING, draw_training
from uad_bench.pipeline import evaluate_run
from uad_bench.pipeline.requirements import borrowed_weights
from uad_bench.results import csv_tables, run_directory
from uad_bench.support import environment
from uad_bench.support.progress import Ticker

if TYPE_CHECKING:
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workplace:
    """Where and how runs are made on this machine; nothing here changes what a number means."""

    out: Path
    sources: Sources
    device: str = "cpu"
    threads: int = field(default_factory=environment.threads)
    resume: bool = False
    fresh: bool = False
    progress: bool = False


def run(spec: RunSpec, cohort: Cohort, place: Workplace) -> run_directory.RunDir:
    """Carry one run to its end and return its directory; a run that is already complete is left as it is.

    Raises UsageError for an unfinished run without --resume or --fresh, EnvironmentFault for a run in use,
    PluginError where the method breaks its contract; the run is then marked failed and keeps what is done.
    """
    directory = run_directory.run_dir(place.out, spec, cohort.digest)
    with directory.locked():
        if _already_complete(directory, spec, place):
            return directory
        _begin(directory, spec, cohort, place)
        try:
            method = fitted(directory, spec, cohort, place)
            score(directory, method, spec, cohort, place)
            evaluate_run.assess(directory, spec, cohort)
            draw_training([directory], directory.path / TRAINING)
        except UadError as error:
            directory.log(traceback.format_exc())
            _note(directory, "failed", error=str(error), code=error.code)
            raise
        _finish(directory, spec, place.device)
        log.info(f"{spec.method} seed {spec.seed}: done")
    return directory


def _already_complete(directory: run_directory.RunDir, spec: RunSpec, place: Workplace) -> bool:
    if place.fresh:
        directory.clear()
        return False
    state = directory.state
    if state == "complete":
        same = _asked_of_maps(directory.spec()) == _asked_of_maps(spec)
        measured = "already complete (--fresh makes it again)" if same else "complete; measured again"
        log.info(f"{directory.name}: {measured}")
        return same
    if state != "new" and not place.resume:
        hint = "add --resume to go on or --fresh to start again"
        what = f"an unfinished run is here, state {state!r}"
        raise UsageError(what, where=directory.name, hint=hint, code="UB210")
    return False


def _asked_of_maps(spec: RunSpec) -> tuple[object, ...]:
    """What is asked of stored maps; it may change without a new run."""
    return set(spec.protocol.metrics), set(spec.protocol.thresholds), spec.protocol.primary


def _begin(directory: run_directory.RunDir, spec: RunSpec, cohort: Cohort, place: Workplace) -> None:
    here = environment.describe(place.device, place.threads)
    if directory.state == "new":
        directory.set_state("running")
    else:
        _same_machine(directory, here)
        _note(directory, "running")
    directory.write_spec(spec)
    if not (directory.path / "model").is_dir():  # else: what the model was made on stays on record
        roots = {name: str(path) for name, path in place.sources.roots.items()}
        directory.write_json("env.json", here | {"roots": roots, "method": _facts(spec)})
    _write_cohort(directory, spec, cohort)
    directory.log(f"begin: {spec.method} seed {spec.seed} on {place.device}, pid {os.getpid()}")


def _write_cohort(directory: run_directory.RunDir, spec: RunSpec, cohort: Cohort) -> None:
    """Who took part in which role, who did not and why, what the audit says, and what was learnt from whom."""
    directory.write_table("splits.csv", csv_tables.SPLIT_COLUMNS, iter_rows(cohort))
    columns = ("dataset", "case_id", "reason")
    left = [dict(zip(columns, one, strict=True)) for one in cohort.left_out]
    directory.write_table("left_out.csv", columns, left)
    directory.write_json("audit.json", [vars(one) for one in (*cohort.findings, *borrowed_weights(spec))])
    directory.write_json("fitted.json", [vars(one) for one in cohort.fitted])


def _facts(spec: RunSpec) -> dict[str, Any]:
    """What the method's class says of itself that a table needs."""
    cls = plugins.load(plugins.Entry("method", spec.method, spec.target, "", spec.source))
    names = ("deterministic", "null", "baseline", "paper")
    return {name: getattr(cls, name) for name in names}


def _same_machine(directory: run_directory.RunDir, here: Mapping[str, Any]) -> None:
    """Raise UsageError where training began with another device or thread count: the bits would differ."""
    began = directory.environment()
    if (directory.path / "model").is_dir() or not began:
        return
    for key in ("device", "threads"):
        if began[key] != here[key]:
            hint = f"use --{key} {began[key]}, or --fresh to start again"
            raise UsageError(
                f"the run began with {key} {began[key]}, not {here[key]}", where=directory.name, hint=hint
            )


def _note(directory: run_directory.RunDir, state: str, **more: Any) -> None:  # JSON values
    """Add to the status without forgetting what is known, but for an old error."""
    known = {k: v for k, v in directory.status().items() if k not in {"state", "error", "code"}}
    directory.set_state(state, **(known | more))


def build(spec: RunSpec) -> "Method":
    """The method of a run, with its parameters. Raises PluginError where it cannot be built."""
    entry = plugins.Entry("method", spec.method, spec.target, "", spec.source)
    method: Method = plugins.load(entry)(**spec.parameters)
    return method


def context(spec: RunSpec, place: Workplace, directory: run_directory.RunDir | None = None) -> "Context":
    """The context of a fit (with the run's directory: checkpoints, progress) or of scoring (without)."""
    import torch

    from uad_bench.method.context import Context
    from uad_bench.method.loop_state import Policy

    torch.set_num_threads(place.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    policy = Policy()
    if directory:
        folder = directory.path / "checkpoints"
        folder.mkdir(exist_ok=True)
        policy = Policy(
            folder,
            place.resume,
            spec.checkpoint_minutes,
            spec.time_budget_s,
            place.progress,
            directory.append_training,
            directory.rewind_training,
        )
    return Context(spec.seed, place.device, spec.precision, policy)


def fitted(directory: run_directory.RunDir, spec: RunSpec, cohort: Cohort, place: Workplace) -> "Method":
    """Stage fit: train on healthy scans and keep the model, unless one is there; then a method that read it.

    What scores is always a new object that knows only what was stored.
    """
    from uad_bench.method.guard import guarded

    model = directory.path / "model"
    if not model.is_dir():
        train, val = Scans(cohort.of("train")), Scans(cohort.of("val"))
        method = build(spec)
        log.info(f"{spec.method} seed {spec.seed}: fit on {len(train)} healthy scans")
        ctx, began = context(spec, place, directory), time.monotonic()
        with guarded(f"{spec.method}.fit"):
            method.fit(train, val, ctx)
        _note(
            directory,
            "running",
            fit_s=round(time.monotonic() - began, 2),
            stopped_early=ctx.stopped_early,
            parameters=n_parameters(method),
        )
        _keep_model(method, model, spec.method)
    return stored(directory, spec, place)


def stored(directory: run_directory.RunDir, spec: RunSpec, place: Workplace) -> "Method":
    """The method of a run as its model/ holds it. Raises PluginError where it cannot be read."""
    from uad_bench.method.guard import guarded

    method = build(spec)
    with guarded(f"{spec.method}.load"):
        method.load(directory.path / "model", context(spec, place))
    return method


def n_parameters(method: "Method") -> int:
    """The numbers in the networks that a method has learnt: attributes ending in `_`."""
    import torch

    learnt = [value for name, value in vars(method).items() if name.endswith("_")]
    modules = [value for value in learnt if isinstance(value, torch.nn.Module)]
    return sum(weights.numel() for module in modules for weights in module.parameters())


def _keep_model(method: "Method", model: Path, name: str) -> None:
    from uad_bench.method.guard import guarded

    aside = model.with_name(".model.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    with guarded(f"{name}.save"):
        method.save(aside)
    aside.replace(model)
    shutil.rmtree(model.with_name("checkpoints"), ignore_errors=True)


def score(
    directory: run_directory.RunDir,
    method: "Method",
    spec: RunSpec,
    cohort: Cohort,
    place: Workplace,
) -> None:
    """Stage score: an anomaly map for every val, tune and test case that has none yet."""
    from uad_bench.method.guard import score_scan

    todo = [
        m for m in scored_members(cohort) if not directory.map_path(m.case.dataset, m.case.case_id).is_file()
    ]
    if todo:
        log.info(f"{spec.method} seed {spec.seed}: score {len(todo)} scans")
    ctx, seconds = context(spec, place), 0.0
    ticker = Ticker(f"{spec.method} seed {spec.seed}: score")
    for number, member in enumerate(todo, start=1):
        scan, began = member.prepared.scan(), time.monotonic()
        values = score_scan(method, scan, ctx, spec.method)
        seconds += time.monotonic() - began
        directory.write_map(member.case.dataset, member.case.case_id, values, scan.brain_mask, spec.map_bits)
        ticker(number, len(todo))
    if todo:
        _note(directory, "running", score_s_per_scan=round(seconds / len(todo), 4))


def scored_members(cohort: Cohort) -> Sequence[Member]:
    """Everyone whose map is needed: val for healthy thresholds, tune for tuned ones, test for the numbers."""
    return [m for m in cohort.members if m.role in {"val", "tune", "test"}]


def _finish(directory: run_directory.RunDir, spec: RunSpec, device: str) -> None:
    if spec.keep_maps == "none":
        shutil.rmtree(directory.path / "maps", ignore_errors=True)
    directory.seal()
    peak = environment.peak_memory_mib()
    _note(directory, "complete", peak_memory_mib=peak, gpu_memory_mib=environment.gpu_memory_mib(device))
