"""The lease of a locked file or folder: which process has it, and when it last gave a sign of life.

A lease is for processes on other hosts, which do not see an `flock` on every shared disk. It is created with O_EXCL,
which is atomic on NFS and Lustre too, and its holder renews its time of modification.
"""

import json
import os
import platform
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from uad_bench.support.progress import duration

#: Seconds between two signs of life, and without one after which a lease is stale.
BEAT, STALE = 10.0, 120.0
#: Seconds since the last sign of life that no difference between two clocks explains: a lease is then stale at once.
ABANDONED = 86_400.0


@dataclass(frozen=True)
class Holder:
    """The process that has a lease.

    boot: the start of its kernel, "" where that is unknown; space: its namespace of process ids; began: when the
    process began, as the kernel counts; job, restarts: of a scheduler; token: of this lease; since: seconds since 1970.
    """

    host: str
    boot: str
    space: str
    pid: int
    began: str
    job: str
    restarts: int
    token: str
    since: float

    @classmethod
    def here(cls) -> "Holder":
        """This process, with a new token."""
        job, restarts = slurm_job()
        pid = os.getpid()
        return cls(
            platform.node(), boot(), _space(), pid, _began(pid), job, restarts, uuid4().hex, time.time()
        )

    def __str__(self) -> str:
        text = f"process {self.pid} on {self.host}" if self.pid else "another process"
        return f"{text}, Slurm job {self.job}" if self.job else text

    def is_gone(self, here: "Holder", flocked: bool) -> bool:
        """Whether the process has certainly ended; False where only the time without a sign of life can tell.

        flocked: this process has the `flock`, which a living process on this kernel would have.
        """
        if self.job and self.job == here.job and self.restarts < here.restarts:
            return True  # an earlier start of this job
        if not self.boot or self.boot != here.boot:
            return False
        return flocked or (self.space == here.space and self.began != _began(self.pid))


@dataclass(frozen=True)
class Seen:
    """A lease as another process finds it: its holder and its last sign of life, in ns of the file system's clock."""

    holder: Holder
    renewed: int

    def __str__(self) -> str:
        now = time.time()
        age = duration(max(0.0, now - self.renewed / 1e9))
        held = f" for {duration(max(0.0, now - self.holder.since))}" if self.holder.since else ""
        return f"{self.holder}{held}, last sign of life {age} ago"

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody has renewed it for a day."""
        return time.time() - self.renewed / 1e9 > ABANDONED


UNKNOWN = Holder("", "", "", 0, "", "", 0, "", 0.0)


def create(path: Path, holder: Holder) -> bool:
    """Create a lease; False where there is one. Raises OSError where the folder cannot be written."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(file, json.dumps(asdict(holder)).encode())
    finally:
        os.close(file)
    return True


def read(path: Path) -> Seen | None:
    """The lease, with an unknown holder where it cannot be read; None where there is none."""
    try:
        renewed, text = path.stat().st_mtime_ns, path.read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        return Seen(Holder(**values), renewed)
    except (ValueError, TypeError, RecursionError):
        return Seen(UNKNOWN, renewed)


def seems_alive(seen: Seen, ended: Collection[str] = ()) -> bool:
    """Whether the process of a lease lives, as far as this host can tell: by its process id, else by its last sign.

    ended: jobs of a scheduler that have ended, so that a process of them on another host has ended too.
    """
    here, holder = Holder.here(), seen.holder
    if holder.boot and (holder.boot, holder.space) == (here.boot, here.space):
        return holder.began == _began(holder.pid)
    if holder.job and holder.job in ended:
        return False
    return time.time() - seen.renewed / 1e9 < STALE


def renew(path: Path, holder: Holder) -> bool:
    """Give a sign of life; False where another process has taken the lease over."""
    seen = read(path)
    if seen is None or not seen.holder.token:
        return True  # the folder was replaced by this process, or the disk does not answer
    if seen.holder.token != holder.token:
        return False
    with suppress(OSError):
        os.utime(path)
    return True


def remove(path: Path, holder: Holder) -> None:
    """Remove the lease of a holder; that of another one stays.

    It is renamed and compared again: of two processes that remove one stale lease, the slower one finds the new lease
    of the other and brings it back.
    """
    aside, seen = path.with_name(f"{path.name}.{uuid4().hex}"), read(path)
    if seen is None or seen.holder.token != holder.token:
        return
    with suppress(OSError):
        path.rename(aside)
        seen = read(aside)
        if seen is not None and seen.holder.token != holder.token:
            os.link(aside, path)
        aside.unlink()


def boot() -> str:
    """What identifies a running kernel; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def slurm_job() -> tuple[str, int]:
    """The Slurm job of this process ("12_3" in an array, "" outside), and how often it was started again."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
    restarts = os.environ.get("SLURM_RESTART_COUNT", "")
    return job, int(restarts) if restarts.isdigit() else 0


def _space() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _began(pid: int) -> str:
    """When a process began, "" where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
