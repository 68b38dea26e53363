"""Several runs at once on this machine: a slot is a share of the CPU cores, or a GPU, and has one process at a time.

A process is the command that a user could type, `uad-bench run ... --only K`, so that results are those of the serial
command with the same number of threads. Its state is read from the status of its run directory.
"""

import logging
import re
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from uad_bench.engines import signals
from uad_bench.engines.slot_process import POLL, SlotProcess
from uad_bench.engines.slots import Slot
from uad_bench.errors import EnvironmentFault, UadError
from uad_bench.pipeline.matrix import Outcome, outcome_error
from uad_bench.pipeline.run_job import RunJob
from uad_bench.support.progress import duration

log = logging.getLogger(__name__)

#: Seconds between two messages about the whole matrix.
REPORT = 25.0
#: Seconds that the processes have to save their state after SIGTERM.
GRACE = 30.0
#: How a process names the error that it ends with.
ERROR = re.compile(r"error\[(\w+)\]: (.*)", re.DOTALL)


def execute_in_slots(
    jobs: Sequence[RunJob], command: Callable[[int, Slot], Sequence[str]], slots: Sequence[Slot]
) -> Outcome:
    """Carry out all runs, the longest first, one process a slot; a run that fails does not stop the others.

    command: the command of the run with this number in `jobs`. When this process receives a signal to end, it sends
    SIGTERM to the others, which save their state. Raises EnvironmentFault where a process cannot be started.
    """
    order = sorted(range(len(jobs)), key=lambda number: -_hours(jobs[number]))
    board, failed = _Board(jobs), dict[int, UadError]()
    with _ended_with_this_one() as processes:
        free, waiting = list(slots), list(order)
        while waiting or processes:
            while waiting and free:
                number, slot = waiting.pop(0), free.pop(0)
                with signals.held_back():  # no process is started and then not known
                    processes[number] = SlotProcess(command(number, slot), slot, board.show)
            time.sleep(POLL)
            for number in [number for number, one in processes.items() if one.has_ended()]:
                process = processes.pop(number)
                free.append(process.slot)
                if error := _failure(jobs[number], process.code, process.error):
                    failed[number] = error
                    log.error("%s: FAILED, %s", jobs[number].label, error)
            board.report(running=processes.keys(), waiting=len(waiting))
    done = tuple(job.directory for number, job in enumerate(jobs) if number not in failed)
    return Outcome(done, outcome_error([(jobs[n].label, failed[n]) for n in sorted(failed)], len(jobs)))


def _hours(job: RunJob) -> float:
    """The hours that a method declares for a run; runs with the same hours keep the order of the matrix."""
    from uad_bench.pipeline.method_names import method_class

    return float(method_class(job.spec).resources.hours)


def _failure(job: RunJob, code: int, said: str) -> UadError | None:
    """The error of a run whose process ended with this exit code, None where the run is complete.

    said: the error that the process named. That of the status may be older: of an earlier command.
    """
    if code == 0 and _is_complete(job):
        return None
    named = ERROR.match(said) if code > 0 else None
    fewer = "; fewer runs at once need less memory" if code == -signal.SIGKILL else ""
    what, hint = named[2] if named else _ended(code), f"see log.txt there; --resume continues{fewer}"
    error = RunFailed(what, where=job.directory.name, hint=hint, code=named[1] if named else "")
    error.exit_code = code if code > 0 else RunFailed.exit_code
    return error


def _is_complete(job: RunJob) -> bool:
    """Whether a run is complete; one whose status cannot be read is not, and stops no other."""
    try:
        return job.directory.state == "complete"
    except UadError:
        return False


def _ended(code: int) -> str:
    """How a process ended that could not say it itself."""
    if code == -signal.SIGKILL:
        return "its process was ended by SIGKILL (kill -9, or out of memory)"
    return (
        f"its process ended with signal {-code}" if code < 0 else f"its process ended with exit code {code}"
    )


class RunFailed(EnvironmentFault):
    """A run in a process of its own that failed, with the message, the code and the exit code of that run."""


@contextmanager
def _ended_with_this_one() -> Iterator[dict[int, SlotProcess]]:
    """Processes by number; where an error or a signal ends the block, the remaining ones are ended."""
    processes: dict[int, SlotProcess] = {}
    with signals.end_as_sigterm():
        try:
            yield processes
        finally:
            with signals.ignored():
                for process in processes.values():
                    process.terminate()
                end = time.monotonic() + GRACE
                for process in processes.values():
                    process.wait(max(0.0, end - time.monotonic()))


class _Board:
    """Messages of all processes without repetitions, and a message about the whole matrix every 25 s."""

    def __init__(self, jobs: Sequence[RunJob]) -> None:
        self._jobs, self._shown = jobs, set[str]()
        self._began = self._reported = time.monotonic()

    def show(self, line: str) -> None:
        """Show a line; a line about the cohort, which every process repeats, is shown once.

        Lines are logged as warnings, because each process has applied --quiet and --verbose already.
        """
        if line and line not in self._shown:
            self._shown.add(line)
            log.warning("%s", line)

    def report(self, *, running: Collection[int], waiting: int) -> None:
        """Log every 25 s how many runs have ended and which are running; running: their numbers."""
        now = time.monotonic()
        if now - self._reported >= REPORT:
            self._reported = now
            log.info(
                "%d of %d runs ended, running: %s, %d waiting, after %s",
                len(self._jobs) - len(running) - waiting,
                len(self._jobs),
                ", ".join(self._jobs[number].label for number in sorted(running)) or "none",
                waiting,
                duration(now - self._began),
            )
