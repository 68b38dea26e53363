"""One folder put in the place of another, so that at every moment a whole one is there."""

import ctypes
import errno
import os
import shutil
from pathlib import Path

from uad_bench.support.atomic_files import ASIDE, sync_folder

RENAME_EXCHANGE = 2
AT_FDCWD = -100


def replace_folder(new: Path, old: Path) -> None:
    """Put the folder `new` in the place of `old`, both on one file system, and remove what was there.

    Linux exchanges both names in one step. Where the kernel or the file system cannot, `old` is renamed aside first; a
    process that is killed between the two renames leaves that folder, and `restore` brings it back.
    """
    aside = _aside(old)
    if _exchanged(new, old):
        new.replace(aside)
    else:
        old.replace(aside)
        new.replace(old)
    sync_folder(old.parent)
    shutil.rmtree(aside, ignore_errors=True)


def restore(folder: Path) -> None:
    """Bring back a folder that a killed `replace_folder` left under its aside name."""
    aside = _aside(folder)
    if not aside.is_dir():
        return
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.replace(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced{ASIDE}")


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the kernel has exchanged both names (renameat2 with RENAME_EXCHANGE, Linux 3.15)."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    failed = rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    if failed and ctypes.get_errno() not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))
    return not failed
