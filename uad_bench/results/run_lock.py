"""The lock of a run directory: one process at a time writes into it, and another one is told which."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from uad_bench.errors import EnvironmentFault
from uad_bench.support import lease, locks
from uad_bench.support.atomic_files import cannot_write

LOCK = "lock"
#: What `RunDir.clear` leaves.
FILES = {LOCK, locks.lease_of(Path(LOCK)).name}


def holder(folder: Path) -> lease.Seen | None:
    """The process that has locked a run directory, with its last sign of life; None where there is none."""
    return lease.read(locks.lease_of(folder / LOCK))


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Lock a run directory for this process.

    Raises EnvironmentFault where another process has locked it, and where the folder cannot be written.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locks.locked(folder / LOCK))
        except locks.Busy as error:
            what, hint = f"the run is in use by {error}", "wait for it, or choose another --out"
            raise EnvironmentFault(what, where=name, hint=hint) from error
        except OSError as error:  # a folder that may not be written
            raise cannot_write(error, folder) from error
        yield
