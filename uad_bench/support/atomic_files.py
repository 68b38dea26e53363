"""Files that are written whole or not at all: to a temporary name, fsync, rename."""

import fcntl
import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from uad_bench.errors import EnvironmentFault
from uad_bench.support.lease import boot

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


#: The end of the names of files and folders that are written aside and renamed when whole.
ASIDE = ".tmp"
LEFTOVER = re.compile(rf"\.([0-9a-f]+){re.escape(ASIDE)}$")
#: Seconds after which what another kernel left aside is removed: its locks are not seen on every shared disk.
OF_ANOTHER = 86_400.0


def aside_name(path: Path) -> Path:
    """A hidden name next to `path` that nobody can predict, for what is written aside and then renamed.

    It begins with the kernel of this process, so that another one does not take it for a leftover.
    """
    return path.with_name(f".{path.name}.{_kernel()}{secrets.token_hex(8)}{ASIDE}")


def _kernel() -> str:
    """Eight digits that identify this kernel while it runs."""
    return boot()[:8] or "00000000"


def is_aside(path: Path) -> bool:
    """Whether a name is that of something written aside, by this process or by one that was killed."""
    return path.name.startswith(".") and path.name.endswith(ASIDE)


def sweep(folder: Path) -> None:
    """Remove what killed processes left aside in a folder and its subfolders; its owner must hold the folder's lock."""
    for path in [path for path in folder.rglob(f".*{ASIDE}") if is_aside(path)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes left aside of a file or folder; what is written now is locked and stays.

    What has the name of another kernel, also of one before a restart, stays for a day: its lock may not be seen here.
    """
    own, yesterday = _kernel(), time.time() - OF_ANOTHER
    for aside in path.parent.glob(f".{glob.escape(path.name)}.*{ASIDE}"):
        name = LEFTOVER.search(aside.name)
        if name is None:  # `exchange.restore` brings the folder named "replaced" back
            continue
        with suppress(OSError):
            if name[1].startswith(own) or aside.lstat().st_mtime < yesterday:
                _remove_unlocked(aside)


def _remove_unlocked(aside: Path) -> None:
    """Remove a file or folder that no process has locked. No link is followed and no pipe waited for."""
    descriptor = os.open(aside, os.O_RDONLY | os.O_NONBLOCK | NO_FOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()
    finally:
        os.close(descriptor)


@contextmanager
def aside_folder(path: Path) -> Iterator[Path]:
    """A hidden, empty folder next to `path`, to be filled and given its name by `put_in_place`; else it is removed.

    The folder above is made. Folders that killed processes left are removed first; this one is locked meanwhile.
    Raises EnvironmentFault where the disk or the permissions do not allow it; errors of the body pass.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        aside, lock = _new_aside_folder(path)
    except OSError as error:
        raise cannot_write(error, path) from error
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(lock)


def _new_aside_folder(path: Path) -> tuple[Path, int]:
    """A new, empty folder next to `path`, and the descriptor that locks it."""
    while True:
        aside = aside_name(path)
        aside.mkdir()
        try:
            lock = os.open(aside, os.O_RDONLY | NO_FOLLOW)
        except FileNotFoundError:
            continue  # another process took it for a leftover before it was locked
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if aside.is_dir():
            return aside, lock
        os.close(lock)


def put_in_place(aside: Path, path: Path) -> None:
    """Give the folder `aside` the name `path`, durably: its files and folders are flushed to the disk first.

    Raises EnvironmentFault where the disk or the permissions do not allow it.
    """
    try:
        for one in (*aside.rglob("*"), aside):
            if not one.is_symlink():
                sync_folder(one)  # fsync of a file is the same call
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(error, path) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`: afterwards either the whole new file exists or the old one is unchanged.

    Raises EnvironmentFault where the disk or the permissions do not allow it.
    """
    aside = path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        aside, file = _new_aside(path)
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if aside != path:
            aside.unlink(missing_ok=True)
        raise cannot_write(error, path) from error


def _new_aside(path: Path) -> tuple[Path, BinaryIO]:
    """A new, empty file next to `path`, open and locked: `remove_leftovers` spares what is locked."""
    while True:
        aside = aside_name(path)
        # O_EXCL and O_NOFOLLOW: a link that somebody placed under this name is never written through.
        file = os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o666), "wb")
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return aside, file
        file.close()  # another process took it for a leftover before it was locked


def append_text(path: Path, text: str) -> None:
    """Append text to a file, UTF-8. Raises EnvironmentFault where the disk or the permissions do not allow it."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise cannot_write(error, path) from error


def cannot_write(error: OSError, path: Path, hint: str = "nothing was replaced") -> EnvironmentFault:
    """The error of a file or folder that cannot be written, to be raised."""
    reason = error.strerror or str(error)
    return EnvironmentFault(f"cannot write: {reason}", where=str(path), hint=hint)


#: Below this nothing of use can be written, and work would be lost.
LEAST_FREE_BYTES = 50_000_000
ELSEWHERE = "name another folder with --out, or another cache with UAD_BENCH_CACHE"


def require_writable(*folders: Path, hint: str = ELSEWHERE) -> None:
    """Raise EnvironmentFault where a folder cannot be made or written, or its disk is full, before any computation.

    hint: what the user may do. Nothing is left; a folder that does not exist yet is tried at the nearest one above it.
    """
    for folder in folders:
        try:
            there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
            remove_leftovers(there / "probe")
            probe = aside_name(there / "probe")
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600))
            probe.unlink(missing_ok=True)  # another process may have taken it for a leftover
            free = shutil.disk_usage(there).free
        except OSError as error:
            what = f"cannot write: {error.strerror or error}"
            raise EnvironmentFault(what, where=str(folder), hint=hint) from error
        if free < LEAST_FREE_BYTES:
            what = f"only {free / 1e6:.0f} MB are free"
            raise EnvironmentFault(what, where=str(folder), hint=f"free some space, or {hint}")


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text, UTF-8 with \\n on every machine."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:  # any JSON value
    """Strict JSON (no NaN), keys sorted, so that equal content is equal bytes."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:  # any JSON value
    """The bytes that `write_json` writes."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> Any:  # any JSON value
    """The value of a JSON file, None where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
