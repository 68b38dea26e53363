"""Matrices as a whole: submitted, submitted again, cancelled; one process at a time changes one."""

import logging
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from uad_bench.engines import matrix_file, slurm, slurm_file, squeue, states
from uad_bench.engines.command_words import for_shell, last_value
from uad_bench.engines.matrix_file import JobMatrix
from uad_bench.engines.squeue import Queue
from uad_bench.engines.states import JobState
from uad_bench.errors import EnvironmentFault
from uad_bench.support import locks

log = logging.getLogger(__name__)


@contextmanager
def one_engine(folder: Path) -> Iterator[None]:
    """Lock a matrix for this process. Raises EnvironmentFault where another one carries it out or submits it."""
    with ExitStack() as held:
        try:
            held.enter_context(locks.locked(folder / matrix_file.LOCK))
        except locks.Busy as error:
            what = f"these runs are carried out or submitted by {error}"
            raise EnvironmentFault(what, where=str(folder), hint="wait for it") from error
        yield


def queue_of(matrix: JobMatrix) -> Queue:
    """The jobs of a matrix that Slurm knows."""
    return squeue.ask([one.name for one in matrix.submissions])


def begin_here(folder: Path, matrix: JobMatrix) -> None:
    """Save a matrix whose runs are to be carried out on this machine, whatever happened to earlier jobs of them.

    The lock of the matrix must be held. Raises EnvironmentFault where jobs of these runs are in the queue of Slurm.
    """
    matrix = matrix_file.with_earlier_jobs(folder, matrix)
    queue = queue_of(matrix)
    if queue.fault:
        log.warning("%s: whether earlier jobs of these runs are in the queue is not known", queue.fault)
    if count := sum(not one.has_ended for one in queue.jobs.values()):
        cancel = for_shell(["jobs", str(folder.parents[1]), "--cancel"])
        hint = f"wait for them, or cancel them: {cancel}"
        raise EnvironmentFault(
            f"{count} jobs of these runs are in the queue of Slurm", where=str(folder), hint=hint
        )
    matrix_file.save(folder, matrix.model_copy(update={"cancelled": ()}))
    for number in range(len(matrix.runs)):
        matrix_file.job_record(folder, "run", number).unlink(missing_ok=True)


def submit(folder: Path, matrix: JobMatrix, *, prepare: bool) -> int:
    """Submit the runs that are neither complete, waiting nor running; their number.

    The lock of the matrix must be held. prepare: with jobs that prepare in front. Raises EnvironmentFault where Slurm
    does not answer or refuses.
    """
    todo = _todo(folder, matrix)
    if todo and prepare:
        matrix = slurm.submit_prepare(folder, matrix)
    if todo:
        slurm.submit_runs(folder, matrix, todo, [matrix.submissions[-1].job] if prepare else [])
    return len(todo)


def _todo(folder: Path, matrix: JobMatrix) -> list[int]:
    """The numbers of the runs to submit. Raises EnvironmentFault where Slurm does not answer."""
    found = states.states(folder, matrix, _answered(queue_of(matrix)))
    return [one.number for one in found if one.state in states.TO_RETRY]


def retry(folder: Path) -> int:
    """Submit the failed, lost and cancelled runs of a matrix again, by its file as it is now; their number.

    Its runs must be jobs of Slurm. Raises as `submit`, and UsageError for a file that is not valid or gone.
    """
    slurm.require_submitit()
    with one_engine(folder):
        matrix = matrix_file.load(folder)
        todo = _todo(folder, matrix)
        if todo:
            slurm.submit_runs(folder, _planned_again(matrix, todo), todo)
        return len(todo)


def _planned_again(matrix: JobMatrix, numbers: Collection[int]) -> JobMatrix:
    """The matrix with the settings of its file, and with what the jobs of these runs get by them."""
    settings, path = slurm_file.read(matrix.on, matrix.cwd), slurm_file.path_of(matrix.on, matrix.cwd)
    slurm_file.require_known_labels(settings, [run.method for run in matrix.runs], str(path))
    if last_value(matrix.words, "--device") == "cpu":
        settings = settings.without_gpu()
    if path:
        log.info("settings of the jobs: %s", path)
    runs = tuple(
        slurm_file.planned_again(run, settings) if number in numbers else run
        for number, run in enumerate(matrix.runs)
    )
    return matrix.model_copy(update={"runs": runs, "settings": settings.model_dump(mode="json")})


def cancel(folder: Path) -> list[JobState]:
    """Cancel the jobs of a matrix that wait or run; which. Raises EnvironmentFault where Slurm does not answer."""
    with one_engine(folder):
        matrix = matrix_file.load(folder)
        queue = _answered(queue_of(matrix))
        stages = (
            states.stage_states(folder, matrix, queue, "prepare"),
            states.stage_states(folder, matrix, queue, "board"),
        )
        jobs = [*states.states(folder, matrix, queue), *stages[0], *stages[1]]
        here = [one for one in jobs if one.queued and not one.queued.has_ended]
        numbers = {one.number for one in here if one.stage == "run"}
        cancelled = tuple(sorted({*matrix.cancelled, *numbers}))
        matrix_file.save(folder, matrix.model_copy(update={"cancelled": cancelled}))
        squeue.cancel([one.queued.job for one in here if one.queued])
    return here


def _answered(queue: Queue) -> Queue:
    if queue.fault:
        raise EnvironmentFault(queue.fault, hint="give the command on a login node, and when Slurm answers")
    return queue
