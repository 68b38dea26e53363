"""One run, stage by stage; each stage reads what the one before left on disk.

    volumes -> cohort (uad_bench/cohort/gather.py) -> fit -> model/ -> score -> maps/ -> evaluate -> *.csv -> *.png

So a repeated command finds its run, `--resume` continues where a killed one stopped, and new metrics need no training.
"""

import logging
import os
import shutil
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from uad_bench.config import RunSpec
from uad_bench.errors import PartialFailure, UadError, UsageError
from uad_bench.figures.run_figures import TRAINING, draw_training
from uad_bench.pipeline.evaluate_run import evaluate_run
from uad_bench.pipeline.method_names import changed_parameters, method_class
from uad_bench.pipeline.model import trained
from uad_bench.pipeline.replace_results import replace_results
from uad_bench.pipeline.requirements import borrowed_weights, track_of
from uad_bench.pipeline.run_job import RunJob
from uad_bench.pipeline.score import score_cases
from uad_bench.pipeline.trained.key import code_digest, differences
from uad_bench.results import csv_tables
from uad_bench.results.run_directory import RunDir
from uad_bench.support import environment, messages
from uad_bench.support.atomic_files import sweep, write_json
from uad_bench.weights.portable import identity_of

log = logging.getLogger(__name__)


def run(job: RunJob, earlier: Sequence[logging.LogRecord] = ()) -> RunDir:
    """Carry out one run to its end and return its directory; a run that is complete is left as it is.

    earlier: messages of the preparation of its cohort, for log.txt. Raises UsageError for an unfinished run
    without --resume or --fresh, EnvironmentFault for a run in use, PluginError where the method breaks its contract;
    the run is then marked failed and keeps what is done; PartialFailure where some cases cannot be scored, and the run
    is marked incomplete, without results.
    """
    directory = job.directory
    if job.place.record is not None:  # before the lock: an engine asks the run itself, whoever carries it out
        write_json(job.place.record, {"run": directory.name})
    with directory.locked():
        if _is_complete(job):
            return directory
        with messages.written(directory.path / "log.txt", earlier):
            _begin(job)
            try:
                score_cases(job, trained(job))
                place = job.place
                evaluate_run(directory, job.spec, job.cohort, place.device, place.sources.workers)
                draw_training([directory], directory.path / TRAINING)
            except UadError as error:
                directory.log(traceback.format_exc())
                state = "incomplete" if isinstance(error, PartialFailure) else "failed"
                job.set_state(state, error=str(error), code=error.code)
                raise
            _finish(job)
            log.info("%s: done", job.label)
    return directory


def _is_complete(job: RunJob) -> bool:
    """Whether nothing is left to do. Raises UsageError for an unfinished run without --resume or --fresh (UB210)."""
    directory, place = job.directory, job.place
    if place.fresh:
        directory.clear()
        return False
    state = directory.state
    if state == "complete":
        if _measures(directory.spec()) == _measures(job.spec):
            log.info("%s: already complete (--fresh makes it again)", directory.name)
        else:
            log.info("%s: complete; measured again", directory.name)
            directory.verify(maps=True)
            # The maps stay as they were kept.
            spec = job.spec.model_copy(update={"keep_maps": directory.spec().keep_maps})
            replace_results(directory, directory, spec, job.cohort, place.device, place.sources.workers)
        return True
    if state == "cleared":  # a --fresh that was killed
        directory.clear()
        return False
    if state != "new" and not place.resume:
        hint = "add --resume to continue or --fresh to start again"
        what = f"an unfinished run is here, state {state!r}"
        raise UsageError(what, where=directory.name, hint=hint, code="UB210")
    return False


def _measures(spec: RunSpec) -> tuple[object, ...]:
    """What is computed from stored maps; it may change without a new run."""
    return set(spec.protocol.metrics), set(spec.protocol.thresholds), spec.protocol.primary


def _begin(job: RunJob) -> None:
    """Write down the specification, the machine and the cohort, and that the run is under way."""
    directory, spec, place = job.directory, job.spec, job.place
    sweep(directory.path)
    environment.begin_gpu_memory(place.device)
    here = environment.describe(place.device, place.threads)
    if directory.state == "new":
        directory.set_state("running")
    else:
        _check_same_machine(directory, here)
        job.set_state("running")
    directory.write_spec(spec)
    if not (directory.path / "model").is_dir():  # else: the record of where the model was made stays
        facts = {"roots": job.roots(), "method": _class_facts(spec), "code": code_digest(spec.target)}
        directory.write_json("env.json", here | facts | _continued(job, here | facts))
    _write_cohort(job)
    log.info("%s: begin on %s, process %d", job.label, place.device, os.getpid())


def _continued(job: RunJob, now: Mapping[str, Any]) -> dict[str, Any]:
    """What changed since the training began whose checkpoints are continued; nothing where there are none."""
    began, checkpoints = job.directory.environment(), job.directory.path / "checkpoints"
    if not began or not checkpoints.is_dir() or not any(checkpoints.iterdir()):
        return {}
    changed = differences(began, now)
    if changed:
        what = "training that began with other %s is continued: no single version made the model, and the table says so"
        log.warning(f"%s: {what}", job.label, ", ".join(changed))
    changed = list(dict.fromkeys([*began.get("continued_with", ()), *changed]))
    return {"continued_with": changed} if changed else {}


def _write_cohort(job: RunJob) -> None:
    """Who takes part in which role, who does not and why, what the audit found, and what was learnt from whom."""
    directory, cohort = job.directory, job.cohort
    directory.write_table("splits.csv", csv_tables.SPLIT_COLUMNS, cohort.rows())
    columns = ("dataset", "case_id", "reason")
    left_out = [dict(zip(columns, one, strict=True)) for one in cohort.left_out]
    directory.write_table("left_out.csv", columns, left_out)
    findings = (*cohort.findings, *borrowed_weights(job.spec))
    directory.write_json("audit.json", [vars(one) for one in findings])
    directory.write_json("fitted.json", [vars(one) for one in cohort.fitted])


def _class_facts(spec: RunSpec) -> dict[str, Any]:
    """What the method's class declares and a table needs, and which parameters are not those of the preset."""
    cls = method_class(spec)
    names = ("deterministic", "null", "baseline", "paper")
    told = {name: getattr(cls, name) for name in names}
    return told | {"track": track_of(cls, spec), "changed": changed_parameters(spec)}


def _check_same_machine(directory: RunDir, here: Mapping[str, Any]) -> None:
    """Raise UsageError where training began with another device or thread count: the bits would differ."""
    began = directory.environment()
    if (directory.path / "model").is_dir() or not began:
        return
    for key in ("device", "threads"):
        if began[key] != here[key]:
            what = f"the run began with {key} {began[key]}, not {here[key]}"
            hint = f"use --{key} {began[key]}, or --fresh to start again"
            raise UsageError(what, where=directory.name, hint=hint)


def _finish(job: RunJob) -> None:
    """Seal the results and record what the run cost."""
    if job.spec.keep_maps == "none":
        shutil.rmtree(job.directory.path / "maps", ignore_errors=True)
    peak, gpu = environment.peak_memory_mib(), environment.gpu_memory_mib(job.place.device)
    facts = job.facts() | {"model": identity_of(job.directory, job.spec)}
    job.directory.complete(**facts, peak_memory_mib=peak, gpu_memory_mib=gpu)
