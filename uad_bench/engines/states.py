"""Where every run of a matrix stands, from what is on disk and in the queue; a result of a job is never unpickled.

In this order: a complete run is done; a job in the queue waits or runs; a run whose lease is renewed runs, unless its
job has ended; an error that was written down is a failure; a job that left the queue without an exit record is lost.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.engines import matrix_file
from uad_bench.engines.matrix_file import JobMatrix, Stage
from uad_bench.engines.squeue import Queue, QueuedJob
from uad_bench.errors import UadError
from uad_bench.results.run_directory import RunDir
from uad_bench.support import lease, locks
from uad_bench.support.atomic_files import read_json

DONE, RUNNING, WAITING = "done", "running", "waiting"
FAILED, LOST, CANCELLED, UNKNOWN = "failed", "lost", "cancelled", "unknown"
#: Of runs that ended without a result and not by `jobs --cancel`.
BAD = frozenset({FAILED, LOST})
#: What `jobs --retry` submits again.
TO_RETRY = BAD | {CANCELLED}
TERMINATED, KILLED = 143, 137


@dataclass(frozen=True)
class JobState:
    """A job of a matrix: its state, what is known beyond that, and where it is in the queue."""

    stage: Stage
    number: int
    label: str
    state: str
    detail: str
    queued: QueuedJob | None = None


def states(folder: Path, matrix: JobMatrix, queue: Queue) -> list[JobState]:
    """The state of every run, in the order of the matrix."""
    return [_of_run(folder, matrix, queue, number) for number in range(len(matrix.runs))]


def stage_states(folder: Path, matrix: JobMatrix, queue: Queue, stage: Stage) -> list[JobState]:
    """The state of every job of another stage that was submitted."""
    numbers = sorted({n for one in matrix.submissions if one.stage == stage for n in one.numbers})
    return [_of_stage(folder, matrix, queue, stage, number) for number in numbers]


def _of_run(folder: Path, matrix: JobMatrix, queue: Queue, number: int) -> JobState:
    label = matrix.runs[number].label
    run = run_of(folder, number)
    status = _status(run)
    if run is not None and status.get("state") == "complete":
        return JobState("run", number, label, DONE, run.name)
    queued = _queued(matrix, queue, "run", number)
    alive = run.holder() if run else None
    if queued and not queued.has_ended:
        return JobState("run", number, label, *_in_queue(queued, run), queued)
    if run and alive and lease.seems_alive(alive, _ended_jobs(folder, queued, number)):
        return JobState("run", number, label, RUNNING, f"{progress(run)}, {alive.holder}")
    if number in matrix.cancelled:
        return JobState("run", number, label, CANCELLED, "jobs --retry submits it again")
    if status.get("state") in {"failed", "incomplete"}:
        return JobState("run", number, label, FAILED, str(status.get("error") or status["state"]))
    return JobState("run", number, label, *_ended(folder, matrix, queue, "run", number, run))


def _ended_jobs(folder: Path, queued: QueuedJob | None, number: int) -> set[str]:
    """The jobs of a run that have ended, by the queue and by what they wrote; a lease of them is not believed."""
    record = _record(folder, "run", number)
    ended = {str(record["job"])} if record.get("job") and "code" in record else set()
    return ended | ({queued.job} if queued and queued.has_ended else set())


def _of_stage(folder: Path, matrix: JobMatrix, queue: Queue, stage: Stage, number: int) -> JobState:
    label = f"{stage} {number + 1}"
    queued = _queued(matrix, queue, stage, number)
    if queued and not queued.has_ended:
        return JobState(stage, number, label, *_in_queue(queued, None), queued)
    return JobState(stage, number, label, *_ended(folder, matrix, queue, stage, number))


def _in_queue(queued: QueuedJob, run: RunDir | None) -> tuple[str, str]:
    if queued.waits:
        return WAITING, f"job {queued.job}: {queued.reason}"
    left = (
        f", {queued.left} left of its time limit" if queued.left not in {"", "UNLIMITED", "NOT_SET"} else ""
    )
    return RUNNING, f"{progress(run)}, job {queued.job} on {queued.node or '?'}{left}"


def _ended(
    folder: Path, matrix: JobMatrix, queue: Queue, stage: Stage, number: int, run: RunDir | None = None
) -> tuple[str, str]:
    """State and detail of a job that is neither complete, in the queue nor alive."""
    record = _record(folder, stage, number)
    code = record.get("code")
    if code == 0 and stage != "run":
        return DONE, ""
    if code == TERMINATED:
        return LOST, f"job {record.get('job')} was ended by SIGTERM (scancel, or a time limit)"
    if code == KILLED:
        return LOST, f"job {record.get('job')} was ended by SIGKILL (kill -9, or out of memory)"
    if code:
        return FAILED, str(record.get("error") or f"exit code {code}")
    if matrix.latest(stage, number) is None or (stage == "run" and not matrix.is_slurm):
        return _of_no_job(folder, matrix, run)
    return _unheard(folder, matrix, queue, stage, number)


def _record(folder: Path, stage: Stage, number: int) -> dict[str, Any]:
    """What a job wrote about itself, {} where it wrote nothing."""
    found = read_json(matrix_file.job_record(folder, stage, number))
    return found if isinstance(found, dict) else {}


def _unheard(folder: Path, matrix: JobMatrix, queue: Queue, stage: Stage, number: int) -> tuple[str, str]:
    """State and detail of a job of Slurm that left no exit record."""
    if queue.fault:
        return UNKNOWN, "neither complete nor alive, and Slurm does not answer"
    queued = _queued(matrix, queue, stage, number)
    last = f"Slurm: {queued.state}" if queued else "no longer in the queue"
    return LOST, f"its job left no exit record ({last}); see {folder.name}/log"


def _of_no_job(folder: Path, matrix: JobMatrix, run: RunDir | None) -> tuple[str, str]:
    """State and detail of what a process of this machine was to carry out or submit and left without an error."""
    engine = lease.read(locks.lease_of(folder / matrix_file.LOCK))
    if engine and lease.seems_alive(engine) and engine.holder.pid != os.getpid():
        return WAITING, f"{matrix.on}: {engine.holder}"
    if not _status(run):
        return LOST, "never begun: the process that was to start or submit it has ended"
    way = "jobs --retry submits it" if matrix.is_slurm else "--resume continues it"
    return LOST, f"its process has ended; {way}, {progress(run)}"


def _queued(matrix: JobMatrix, queue: Queue, stage: Stage, number: int) -> QueuedJob | None:
    found = matrix.latest(stage, number)
    return queue.jobs.get((found[0].name, found[1])) if found else None


def run_of(folder: Path, number: int) -> RunDir | None:
    """The directory that run `number` named, None where it has not begun."""
    record = read_json(matrix_file.run_record(folder, number))
    if not isinstance(record, dict) or not isinstance(record.get("run"), str):
        return None
    path = folder.parents[1] / record["run"]
    return RunDir(path) if path.is_dir() else None


def state_of_directory(run: RunDir) -> tuple[str, str]:
    """State and detail of a run that no engine started: from its status and its lease alone."""
    status, alive = _status(run), run.holder()
    state = status.get("state")
    if state == "complete":
        return DONE, ""
    if alive and lease.seems_alive(alive):
        return RUNNING, f"{progress(run)}, {alive.holder}"
    if state in {"failed", "incomplete"}:
        return FAILED, str(status.get("error") or state)
    return LOST, "its process left no exit record; --resume continues it"


def _status(run: RunDir | None) -> Mapping[str, Any]:
    try:
        return run.status() if run and run.state != "new" else {}
    except UadError:
        return {}


def progress(run: RunDir | None) -> str:
    """What a run is about: the step of its training, or the number of maps."""
    if run is None:
        return "preparing"
    if (run.path / "metrics.csv").is_file():
        return "evaluating"
    if (run.path / "model").is_dir():
        return f"scoring, {sum(1 for _ in (run.path / 'maps').glob('*/*.npz'))} maps"
    try:
        phase, step, *_ = (run.path / "train.csv").read_text().splitlines()[-1].split(",")
    except (OSError, ValueError, IndexError):
        return "begun"
    return f"training, {phase} step {step}" if step.isdecimal() else "begun"
