"""The lock of a run directory: one process at a time writes into it, and another one is told which."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from uad_bench.errors import EnvironmentFault
from uad_bench.support.atomic_files import cannot_write, write_text

OWNER = "owner"


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Lock a run directory for this process.

    Raises EnvironmentFault where another process has locked it, and where the folder cannot be written. The file
    `owner` names the process and the host, for the message of the other one.
    """
    lock = FileLock(folder / "lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        what, hint = f"the run is in use by {_owner(folder)}", "wait for it, or choose another --out"
        raise EnvironmentFault(what, where=name, hint=hint) from error
    except OSError as error:  # a folder that may not be written
        raise cannot_write(error, folder) from error
    try:
        write_text(folder / OWNER, f"process {os.getpid()} on {platform.node()}\n")
        yield
    finally:
        (folder / OWNER).unlink(missing_ok=True)
        lock.release()


def _owner(folder: Path) -> str:
    try:
        return (folder / OWNER).read_text(encoding="utf-8").strip()
    except OSError:
        return "another process"
