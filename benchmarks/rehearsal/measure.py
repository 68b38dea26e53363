"""What a command costs: processor time, wall-clock time, memory of its largest process, and disk space."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """cpu_s: user and system time of a command with all its processes; peak_mib: resident memory of the largest one;
    disk_mib: by how much a folder grew."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    disk_mib: float


def measured(command: Sequence[str], environment: Mapping[str, str], log: Path, grows: Path) -> Cost:
    """Carry out a command, its output appended to `log`. Raises RuntimeError, with its last lines, where it fails.

    Linux counts the memory of this process, from which the command is started, as the command's: it must be small.
    """
    before, began = used_mib(grows), time.monotonic()
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command)}\n".encode())
        file.flush()
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if child.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"exit code {child.returncode}: {' '.join(command)}\n{last}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, wall, usage.ru_maxrss / 1024, used_mib(grows) - before)


def used_mib(folder: Path) -> float:
    """Disk space of the files below a folder, MiB."""
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_blocks * 512 for path in files) / 2**20


def free_mib(folder: Path) -> float:
    """Free disk space where a folder is, MiB."""
    return shutil.disk_usage(folder).free / 2**20
