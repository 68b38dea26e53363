"""Several runs at once on this machine: a slot is a share of the CPU cores, or a GPU, and has one process at a time.

A process is the command that a user could type, `uad-bench run ... --only K`, so that results are those of the serial
command with the same number of threads. Its state is read from the status of its run directory.
"""

import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from uad_bench.errors import EnvironmentFault, UadError, UsageError
from uad_bench.pipeline.matrix import Outcome, outcome_error
from uad_bench.pipeline.run_job import RunJob
from uad_bench.support import environment
from uad_bench.support.progress import duration

log = logging.getLogger(__name__)

#: Seconds between two checks of the processes, and between two messages about the whole matrix.
POLL, REPORT = 0.1, 25.0
#: Seconds that a process has to save its state after SIGTERM.
GRACE = 30.0
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


@dataclass(frozen=True)
class Slot:
    """A place for one process: its name in messages, its threads, and environment variables."""

    name: str
    threads: int
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The value of --device: a slot of a GPU shows its process one GPU only."""
        return "cuda" if "CUDA_VISIBLE_DEVICES" in self.variables else ""


def parse_slots(text: str, threads: int = 0) -> list[Slot]:
    """The slots that `--on` names: `local:2`, two shares of the cores; `gpus:0,1`, two GPUs.

    threads: of each process, 0: the cores divided by the slots. Raises UsageError for another form.

    >>> [slot.name for slot in parse_slots("gpus:0,3", threads=4)]
    ['GPU 0', 'GPU 3']
    """
    kind, _, value = text.partition(":")
    words = [word.strip() for word in value.split(",")]
    if kind == "local" and value.isdecimal() and 0 < int(value) <= 256:
        count, names = int(value), [f"slot {number}" for number in range(int(value))]
    elif kind == "gpus" and all(word.isdecimal() for word in words) and len(set(words)) == len(words):
        count, names = len(words), [f"GPU {word}" for word in words]
    else:
        raise UsageError(f"--on {text!r}", hint="write local:2 for two processes, or gpus:0,1 for two GPUs")
    share = threads or max(1, environment.threads() // count)
    cards = [{"CUDA_VISIBLE_DEVICES": word} for word in words] if kind == "gpus" else [{}] * count
    return [Slot(name, share, card) for name, card in zip(names, cards, strict=True)]


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
                processes[number] = _Process(command(number, slot), slot, board.show)
            time.sleep(POLL)
            for number in [number for number, one in processes.items() if one.ended]:
                process = processes.pop(number)
                free.append(process.slot)
                if error := _failure(jobs[number], process.code):
                    failed[number] = error
                    log.error("%s: FAILED, %s", jobs[number].label, error)
            board.report(running=processes.keys(), waiting=len(waiting))
    done = tuple(job.directory for number, job in enumerate(jobs) if number not in failed)
    return Outcome(done, outcome_error([(jobs[n].label, failed[n]) for n in sorted(failed)], len(jobs)))


def _hours(job: RunJob) -> float:
    """The hours that a method declares for a run; runs with the same hours keep the order of the matrix."""
    from uad_bench.pipeline.method_names import method_class

    return float(method_class(job.spec).resources.hours)


def _failure(job: RunJob, code: int) -> UadError | None:
    """The error of a run whose process ended with this exit code, None where the run is complete."""
    status = job.directory.status()
    if code == 0 and job.directory.state == "complete":
        return None
    what = str(status.get("error") or "")
    if not what or status.get("state") not in {"failed", "incomplete"}:
        what = _ended(code)
    fewer = "; fewer runs at once need less memory" if code == -signal.SIGKILL else ""
    error = RunFailed(what, where=job.directory.name, hint=f"see log.txt there; --resume continues{fewer}")
    error.exit_code = code if code > 0 else RunFailed.exit_code
    error.code = str(status.get("code") or RunFailed.code)
    return error


def _ended(code: int) -> str:
    """How a process ended that could not say it itself."""
    if code == -signal.SIGKILL:
        return "its process was ended by SIGKILL (kill -9, or out of memory)"
    return (
        f"its process ended with signal {-code}" if code < 0 else f"its process ended with exit code {code}"
    )


class RunFailed(EnvironmentFault):
    """A run in a process of its own that failed, with the message, the code and the exit code of that run."""


class _Process:
    """The process of a run. `show` receives each line that it writes to stderr; its stdout is discarded."""

    def __init__(self, command: Sequence[str], slot: Slot, show: Callable[[str], None]) -> None:
        self.slot, self._show = slot, show
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **slot.variables},
                text=True,
                errors="replace",
            )
        except OSError as error:
            what = f"cannot start a process: {error.strerror or error}"
            raise EnvironmentFault(what, where=slot.name, hint="use fewer slots") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._show(STAMP.sub("", line.rstrip("\n")))

    @property
    def ended(self) -> bool:
        """Whether the process has ended and its messages are shown."""
        return self._process.poll() is not None and not self._reader.is_alive()

    @property
    def code(self) -> int:
        """The exit code, negative for the number of a signal."""
        return int(self._process.returncode)

    def terminate(self) -> None:
        """Send SIGTERM: the process saves its state and ends."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end, and end the process where it does not."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _ended_with_this_one() -> Iterator[dict[int, _Process]]:
    """Processes by number; where an error or a signal ends the block, the remaining ones are ended."""
    processes: dict[int, _Process] = {}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(GRACE)


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
