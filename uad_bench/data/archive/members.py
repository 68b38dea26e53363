"""What an archive would write, judged before a byte of it is written.

An archive is a stranger's list of names and sizes. Names that leave their folder, links, devices, bombs and
encrypted files are refused.
"""

import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from uad_bench.data.archive.tar_zip import (
    AGAIN,
    SLACK,
    is_zip,
    open_member,
    open_tar,
    open_zip,
    reading,
    refused,
    tar_members,
)
from uad_bench.errors import DataError

PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
LONGEST_NAME, LONGEST_PART = 1024, 255


@dataclass(frozen=True)
class Limits:
    """Beyond these an archive is taken for a bomb.

    members: files and folders; total_bytes: once unpacked; ratio: unpacked bytes for one of the archive
    (deflate itself cannot exceed 1032, so more means members that share their bytes).
    """

    members: int = 200_000
    total_bytes: int = 200 * 10**9
    ratio: int = 1032


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One file or folder of an archive: where it goes, relative to the target, and its size in bytes."""

    path: PurePosixPath
    size: int
    is_folder: bool
    handle: tarfile.TarInfo | zipfile.ZipInfo


def list_members(archive: Path, limits: Limits) -> list[Member]:
    """Every member that would be written, in the archive's order; the file exists.

    Raises IntegrityError for what must not be unpacked (UB504), DataError for a file that is no archive, or is
    truncated or damaged (UB322).
    """
    members: list[Member] = []
    total, most = 0, min(limits.total_bytes, SLACK + limits.ratio * archive.stat().st_size)
    for number, member in enumerate(_every_member(archive), start=1):
        total += member.size
        if number > limits.members:
            raise refused(f"more than {limits.members} members", archive)
        if total > most:
            raise refused(f"more than {most} bytes once unpacked", archive)
        if member.path.parts and not _resource_fork(member.path):
            members.append(member)
    if all(member.is_folder for member in members):
        raise DataError("the archive holds no file", where=archive.name, hint=AGAIN, code="UB322")
    _check_no_clash(members, archive)
    return members


def contents(archive: Path, members: Sequence[Member]) -> Iterator[tuple[Member, IO[bytes]]]:
    """Each of some files, in the order of `list_members`, with its bytes, to be read under `packed.reading`."""
    with open_zip(archive) if is_zip(archive) else open_tar(archive) as opened:
        for member in members:
            with reading(archive):
                source = open_member(opened, member.handle)
            with source:
                yield member, source


def _every_member(archive: Path) -> Iterator[Member]:
    if is_zip(archive):
        with open_zip(archive) as opened:
            yield from (_of_zip(info, archive) for info in opened.infolist())
    else:
        with open_tar(archive) as tar:
            yield from (_of_tar(info, archive) for info in tar_members(tar, archive))


def _of_zip(info: zipfile.ZipInfo, archive: Path) -> Member:
    path = _judged(info.orig_filename, archive)  # `filename` is cut at a NUL, and would hide what follows it
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & 0x1:
        raise refused("an encrypted zip; unpack it yourself with its password", archive)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"a link or a device, {info.filename[:120]!r}", archive)
    return Member(path, info.file_size, info.is_dir(), info)


def _of_tar(info: tarfile.TarInfo, archive: Path) -> Member:
    path = _judged(info.name, archive)
    if not (info.isdir() or info.type in PLAIN) or info.sparse is not None:
        raise refused(f"a link, a device or a sparse file, {info.name[:120]!r}", archive)
    if info.size < 0:
        raise refused(f"a negative size, {info.name[:120]!r}", archive)
    try:
        tarfile.data_filter(info, "/nowhere")  # the standard library's second opinion
    except tarfile.FilterError as error:
        raise refused(str(error), archive) from None
    return Member(path, 0 if info.isdir() else info.size, info.isdir(), info)


def _judged(name: str, archive: Path) -> PurePosixPath:
    """The path of a member below its target. Raises IntegrityError for a name that could lead elsewhere."""
    path, shown = PurePosixPath(name), repr(name[:120])
    if not name.isprintable():
        raise refused(f"a name with control characters, {shown}", archive)
    if path.is_absolute() or "\\" in name or re.match("[A-Za-z]:", name):
        raise refused(f"an absolute name, or one for another system, {shown}", archive)
    if ".." in path.parts:
        raise refused(f"a name that leaves its folder, {shown}", archive)
    if len(name) > LONGEST_NAME or any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise refused(f"a name too long for a disk, {shown}...", archive)
    return path


def _resource_fork(path: PurePosixPath) -> bool:
    """What macOS adds beside every file: it looks like an image by its name and holds none."""
    return "__MACOSX" in path.parts or path.name.startswith("._")


def _check_no_clash(members: Sequence[Member], archive: Path) -> None:
    """No file stands twice, and none is another's folder: which of the two would be there is chance."""
    files: set[PurePosixPath] = set()
    for member in members:
        if not member.is_folder and member.path in files:
            raise refused(f"two files named {str(member.path)[:120]!r}", archive)
        files |= set() if member.is_folder else {member.path}
    folders = {folder for member in members for folder in member.path.parents}
    folders |= {member.path for member in members if member.is_folder}
    if files & folders:
        raise refused(f"{str(min(files & folders))[:120]!r} is a file and a folder", archive)
