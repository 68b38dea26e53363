"""What Slurm says of jobs: `squeue`, which every cluster has; no accounting database is needed."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from uad_bench.errors import EnvironmentFault

FORMAT = "%F|%K|%j|%T|%L|%N|%r"
#: States in which a job waits, and in which it has ended: all final base states of Slurm, and REVOKED, a flag.
#: (https://slurm.schedmd.com/job_state_codes.html)
WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue. left: until its time limit, as Slurm writes it; reason: why it waits."""

    job: str
    name: str
    index: int
    state: str
    left: str
    node: str
    reason: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun, or is to begin again."""
        return self.state in WAITING

    @property
    def has_ended(self) -> bool:
        """Whether it will never run again; Slurm shows it for some minutes more."""
        return self.state in ENDED


@dataclass(frozen=True)
class Queue:
    """The jobs of some names. fault: why Slurm did not answer, "" where it did."""

    jobs: Mapping[tuple[str, int], QueuedJob] = field(default_factory=dict)
    fault: str = ""


def ask(names: Sequence[str]) -> Queue:
    """The queue, with jobs that ended some minutes ago; never raises."""
    if not names:
        return Queue()
    command = ["squeue", "--noheader", "--array", "--states=all", f"--name={','.join(names)}", "-o", FORMAT]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Queue(fault=f"squeue: {getattr(error, 'strerror', None) or 'no answer in 60 s'}")
    if answer.returncode:
        return Queue(fault=" ".join(answer.stderr.split()) or f"squeue ended with {answer.returncode}")
    return Queue({(one.name, one.index): one for one in _parsed(answer.stdout)})


def _parsed(text: str) -> Iterable[QueuedJob]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == FORMAT.count("|") + 1:
            job, index, name, state, left, node, reason = cells
            number = int(index) if index.isdecimal() else 0
            full = f"{job}_{index}" if index.isdecimal() else job
            yield QueuedJob(full, name, number, state, left, node, reason)


def cancel(jobs: Sequence[str]) -> None:
    """Cancel jobs by their numbers. Raises EnvironmentFault where Slurm refuses."""
    if not jobs:
        return
    try:
        subprocess.run(["scancel", *jobs], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        what = " ".join(str(getattr(error, "stderr", "") or error).split())
        raise EnvironmentFault(f"scancel failed: {what}", hint="try again") from error
