"""An archive that the user fetched becomes a folder of data: checked first, written aside, renamed when whole.

What a killed unpacking leaves is one hidden folder, which the next call removes. A small file in the finished
folder says which archive it came from, so that a repeated call finds it.
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
from uad_bench.data.archive.tar_zip import AGAIN, reading
from uad_bench.errors import DataError, EnvironmentFault, IntegrityError, UsageError
from uad_bench.support import atomic_files

log = logging.getLogger("uad_bench")

Progress = Callable[[int, int], None]

MARKER = ".uad-import.json"
LOCK = ".uad-import.lock"
ENDING = re.compile(r"(?i)\.(tar|tar\.(gz|bz2|xz)|tgz|tbz2?|txz|zip)$")
DIGEST = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 19


def unpack(
    archive: Path, into: Path, sha256: str = "", limits: Limits = LIMITS, progress: Progress | None = None
) -> Path:
    """The folder below `into` that holds the files of a tar (plain, gz, bz2, xz) or zip.

    It has the name of the archive's one top folder, or the archive's stem where files lie flat. An equal
    import that is there already is not made again; the archive itself is never changed. `sha256`: what the
    archive's digest must be, hex. `progress` is told (files written, files in all).

    Raises IntegrityError for another digest (UB505) or an archive that must not be unpacked (UB504), DataError
    for one that is missing (UB321) or damaged (UB322), UsageError for a folder that is in the way (UB220), and
    EnvironmentFault where the disk fails; nothing is left behind then.
    """
    digest = _digest(archive, sha256)
    done = _finished(into, digest)
    if done:
        log.info("%s is unpacked already in %s", archive.name, done)
        return done
    members = list_members(archive, limits)
    top = _top(members)
    target = into / (top or ENDING.sub("", archive.name))
    gigabytes = sum(member.size for member in members) / 1e9
    log.info("%s is sound: %d members, %.2f GB", archive.name, len(members), gigabytes)
    with _disk(target), _alone(into):
        _check_room(target, gigabytes)
        with _aside(target) as aside:
            number = _write(archive, members, aside, strip=bool(top), progress=progress)
            record = {"archive": archive.name, "sha256": digest, "files": number}
            atomic_files.write_json(aside / MARKER, record)
    return target


def _digest(archive: Path, wanted: str) -> str:
    """The archive's SHA-256. Raises IntegrityError where it is not the one wanted."""
    wanted = wanted.strip().lower()
    if wanted and not DIGEST.fullmatch(wanted):
        hint = "a SHA-256 is 64 digits, 0 to 9 and a to f"
        raise UsageError(f"{wanted[:80]!r} is no SHA-256", hint=hint)
    try:
        found = atomic_files.sha256(archive)
    except OSError as error:
        what = f"cannot read the archive: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=str(archive), hint=hint, code="UB321") from None
    if wanted not in {"", found}:
        what = f"the SHA-256 is {found}, not {wanted}"
        hint = "download it again; nothing was extracted, the file is untouched"
        raise IntegrityError(what, where=archive.name, hint=hint, code="UB505")
    return found


def _finished(into: Path, digest: str) -> Path | None:
    """The folder of an import of the same archive, None where there is none.

    Raises UsageError where files of it are gone.
    """
    for marker in sorted(into.glob(f"[!.]*/{MARKER}")):
        try:
            record = json.loads(marker.read_text())
            same, number = record["sha256"] == digest, int(record["files"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if same:
            there = sum(path.is_file() for path in marker.parent.rglob("*")) - 1
            if there >= number:
                return marker.parent
            what = f"{there} of the {number} files of this archive are left"
            raise _in_the_way(what, marker.parent)
    return None


def _in_the_way(what: str, target: Path) -> UsageError:
    hint = "move the folder away, or name another one with --into"
    return UsageError(what, where=str(target), hint=hint, code="UB220")


def _top(members: Sequence[Member]) -> str:
    """The one folder that holds everything, "" where there is none."""
    tops = {member.path.parts[0] for member in members}
    flat = any(not member.is_folder and len(member.path.parts) == 1 for member in members)
    name = "" if flat or len(tops) > 1 else tops.pop()
    return "" if name.startswith(".") else name


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    """A disk that is full, read-only or gone is one EnvironmentFault."""
    try:
        yield
    except OSError as error:
        what = f"cannot write: {error.strerror or error}"
        hint = "free some space, or name another folder; nothing was left behind"
        raise EnvironmentFault(what, where=str(target), hint=hint) from error


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """No other import writes below `into` meanwhile: it would remove this one's hidden folder."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(into / LOCK, timeout=0):
            yield
    except Timeout:
        what, hint = "another import is writing here", "wait until it has ended"
        raise EnvironmentFault(what, where=str(into), hint=hint) from None


def _check_room(target: Path, gigabytes: float) -> None:
    if target.exists():
        raise _in_the_way("this folder is there already, and not from this archive", target)
    free = shutil.disk_usage(target.parent).free / 1e9
    if gigabytes > free:
        what = f"{gigabytes:.1f} GB are needed, {free:.1f} GB are free"
        hint = "free some space, or name another folder; nothing was extracted"
        raise EnvironmentFault(what, where=str(target.parent), hint=hint)


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target, which takes the target's place when all went well, and else goes."""
    aside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        yield aside
        for folder, _, _ in os.walk(aside):
            atomic_files.sync_folder(Path(folder))
        aside.rename(target)
        atomic_files.sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _write(
    archive: Path, members: Sequence[Member], aside: Path, *, strip: bool, progress: Progress | None
) -> int:
    """The number of files written below `aside`, without their first folder where `strip`."""
    for member in members:
        folder = member.path if member.is_folder else member.path.parent
        (aside / _below(folder, strip)).mkdir(parents=True, exist_ok=True)
    wanted = [member for member in members if not member.is_folder]
    for number, (member, source) in enumerate(contents(archive, wanted), start=1):
        with (aside / _below(member.path, strip)).open("xb") as file:
            _copy(archive, member, source, file)
        if progress:
            progress(number, len(wanted))
    return len(wanted)


def _below(path: PurePosixPath, strip: bool) -> PurePosixPath:
    return PurePosixPath(*path.parts[1:]) if strip else path


def _copy(archive: Path, member: Member, source: IO[bytes], file: IO[bytes]) -> None:
    """Exactly the bytes that the member declares, on the disk when this returns."""
    left = member.size
    while True:
        with reading(archive):
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
