"""Unpack an archive that the user downloaded: first all checks, then a hidden folder, renamed once it is complete.

A killed process leaves only that hidden folder, which the next call removes. A small file in the finished folder
records the archive, so that a repeated call finds the folder.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock, Timeout

from uad_bench.data.archive.members import LIMITS, Limits, Member, contents, list_members
from uad_bench.data.archive.tar_zip import AGAIN, damage_as_data_error
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError, UsageError
from uad_bench.support import atomic_files

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

MARKER = ".uad-import.json"
LOCK = ".uad-import.lock"
ENDING = re.compile(r"(?i)\.(tar|tar\.(gz|bz2|xz)|tgz|tbz2?|txz|zip)$")
DIGEST = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 19


def unpack(
    archive: Path, into: Path, sha256: str = "", limits: Limits = LIMITS, progress: Progress | None = None
) -> Path:
    """The folder below `into` with the files of a tar (plain, gz, bz2, xz) or zip.

    It is named after the single top folder of the archive, or after the archive where there is none. An archive that
    was unpacked before is not unpacked again; the archive itself is never changed.

    sha256: the digest that the archive must have, hex, "" for any; progress: called with the number of files written
    and of all files. Raises IntegrityError for another digest (UB505) or an archive that must not be unpacked
    (UB504), DataError for one that is missing (UB321) or damaged (UB322), UsageError where the folder exists already
    (UB220), and EnvironmentFault where the disk fails. No files are left after an error.
    """
    digest = _digest(archive, sha256)
    done = _earlier_import(into, digest)
    if done:
        log.info("%s was unpacked before, in %s", archive.name, done)
        return done
    members = list_members(archive, limits)
    top = _top_folder(members)
    target = into / (top or ENDING.sub("", archive.name))
    gigabytes = sum(member.size for member in members) / 1e9
    log.info("%s passed all checks: %d members, %.2f GB", archive.name, len(members), gigabytes)
    with _disk_errors(target), _locked(into):
        _check_room(target, gigabytes)
        with _hidden_folder(target) as hidden:
            number = _write(archive, members, hidden, strip=bool(top), progress=progress)
            record = {"archive": archive.name, "sha256": digest, "files": number}
            atomic_files.write_json(hidden / MARKER, record)
    return target


def _digest(archive: Path, expected: str) -> str:
    """The archive's SHA-256. Raises IntegrityError where it is not the `expected` one."""
    expected = expected.strip().lower()
    if expected and not DIGEST.fullmatch(expected):
        hint = "a SHA-256 is 64 digits, 0 to 9 and a to f"
        raise UsageError(f"{expected[:80]!r} is no SHA-256", hint=hint)
    try:
        found = atomic_files.sha256(archive)
    except OSError as error:
        what = f"cannot read the archive: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=str(archive), hint=hint, code="UB321") from None
    if expected not in {"", found}:
        what = f"the SHA-256 is {found}, not {expected}"
        hint = "download it again; nothing was extracted, and the archive was not changed"
        raise IntegrityError(what, where=archive.name, hint=hint, code="UB505")
    return found


def _earlier_import(into: Path, digest: str) -> Path | None:
    """The folder that the same archive was unpacked into, None where there is none.

    Raises UsageError where files of it are missing.
    """
    for marker in sorted(into.glob(f"[!.]*/{MARKER}")):
        try:
            record = json.loads(marker.read_text())
            same, number = record["sha256"] == digest, int(record["files"])
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue
        if same:
            present = sum(path.is_file() for path in marker.parent.rglob("*")) - 1
            if present >= number:
                return marker.parent
            what = f"only {present} of the {number} files of this archive are left"
            raise _folder_exists(what, marker.parent)
    return None


def _folder_exists(what: str, target: Path) -> UsageError:
    hint = "move the folder elsewhere, or name another one with --into"
    return UsageError(what, where=str(target), hint=hint, code="UB220")


def _top_folder(members: Sequence[Member]) -> str:
    """The single folder that contains all members, "" where there is none."""
    tops = {member.path.parts[0] for member in members}
    flat = any(not member.is_folder and len(member.path.parts) == 1 for member in members)
    name = "" if flat or len(tops) > 1 else tops.pop()
    return "" if name.startswith(".") else name


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    """Errors of a full, read-only or missing disk as EnvironmentFault."""
    try:
        yield
    except OSError as error:
        what = f"cannot write: {error.strerror or error}"
        hint = "free some space, or name another folder; no files were left"
        raise EnvironmentFault(what, where=str(target), hint=hint) from error


@contextmanager
def _locked(into: Path) -> Iterator[None]:
    """Let no other import write below `into`: it would remove the hidden folder of this one."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(into / LOCK, timeout=0):
            yield
    except Timeout:
        what, hint = "another import is writing into this folder", "wait until it has ended"
        raise EnvironmentFault(what, where=str(into), hint=hint) from None


def _check_room(target: Path, gigabytes: float) -> None:
    if target.exists():
        raise _folder_exists("this folder exists already and is not from this archive", target)
    free = shutil.disk_usage(target.parent).free / 1e9
    if gigabytes > free:
        what = f"{gigabytes:.1f} GB are needed, {free:.1f} GB are free on the disk"
        hint = "free some space, or name another folder; nothing was extracted"
        raise EnvironmentFault(what, where=str(target.parent), hint=hint)


@contextmanager
def _hidden_folder(target: Path) -> Iterator[Path]:
    """A hidden folder next to the target: renamed to it after success, removed after an error."""
    hidden = target.with_name(f".{target.name}.partial")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        hidden.mkdir()
        yield hidden
        for folder, _, _ in os.walk(hidden):
            atomic_files.sync_folder(Path(folder))
        hidden.rename(target)
        atomic_files.sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _write(
    archive: Path, members: Sequence[Member], folder: Path, *, strip: bool, progress: Progress | None
) -> int:
    """Write the files below `folder`, without their first folder where `strip`; the number of files."""
    for member in members:
        path = member.path if member.is_folder else member.path.parent
        (folder / _stripped(path, strip)).mkdir(parents=True, exist_ok=True)
    wanted = [member for member in members if not member.is_folder]
    for number, (member, source) in enumerate(contents(archive, wanted), start=1):
        with (folder / _stripped(member.path, strip)).open("xb") as file:
            _copy(archive, member, source, file)
        if progress:
            progress(number, len(wanted))
    return len(wanted)


def _stripped(path: PurePosixPath, strip: bool) -> PurePosixPath:
    return PurePosixPath(*path.parts[1:]) if strip else path


def _copy(archive: Path, member: Member, source: IO[bytes], file: IO[bytes]) -> None:
    """Copy exactly the number of bytes that the member declares; they are on the disk when this returns."""
    left = member.size
    while True:
        with damage_as_data_error(archive):
            piece = source.read(CHUNK)
        left -= len(piece)
        if not piece or left < 0:
            break
        file.write(piece)
    if left:
        what = f"{str(member.path)[:120]!r} does not have the size that the archive declares"
        raise DataError(what, where=archive.name, hint=AGAIN, code="UB322")
    file.flush()
    os.fsync(file.fileno())
