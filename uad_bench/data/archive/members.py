"""The members of an archive, checked before a byte is written.

Names and sizes in an archive cannot be trusted. Names that lead out of the target folder, links, devices, archives
that expand beyond all measure ("bombs") and encrypted files are refused.
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
    damage_as_data_error,
    is_zip,
    open_member,
    open_tar,
    open_zip,
    refused,
    tar_members,
)
from uad_bench.errors import DataError

PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
#: Compression methods of zip that the standard library reads, and names of others, by their number.
SUPPORTED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
OTHER_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "xz", 96: "JPEG", 98: "PPMd"}
AES = 99
LONGEST_NAME, LONGEST_PART = 1024, 255


@dataclass(frozen=True)
class Limits:
    """Beyond these limits an archive is refused as a bomb.

    members: number of files and folders; total_bytes: size after unpacking; ratio: unpacked bytes per byte of the
    archive (deflate cannot exceed 1032, so a higher ratio means members that overlap in the file).
    """

    members: int = 200_000
    total_bytes: int = 200 * 10**9
    ratio: int = 1032


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One file or folder of an archive: its path relative to the target, and its size in bytes."""

    path: PurePosixPath
    size: int
    is_folder: bool
    handle: tarfile.TarInfo | zipfile.ZipInfo


def list_members(archive: Path, limits: Limits) -> list[Member]:
    """Every member to be written, in the order of the archive, which exists.

    Raises IntegrityError for an archive that must not be unpacked (UB504), DataError for a file that is no archive,
    or is truncated or damaged (UB322).
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
        raise DataError("the archive contains no file", where=archive.name, hint=AGAIN, code="UB322")
    _check_unique(members, archive)
    return members


def contents(archive: Path, members: Sequence[Member]) -> Iterator[tuple[Member, IO[bytes]]]:
    """Some files of an archive, in the order of `list_members`, each with its stream.

    Read the streams within `damage_as_data_error`.
    """
    with open_zip(archive) if is_zip(archive) else open_tar(archive) as opened:
        for member in members:
            with damage_as_data_error(archive):
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
    path = _checked_path(info.orig_filename, archive)  # `filename` ends at a NUL character
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & 0x1 or info.compress_type == AES:
        raise refused("an encrypted zip is not supported; unpack it yourself with its password", archive)
    if info.compress_type not in SUPPORTED:
        method = OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        what = f"a zip compressed with {method} is not supported; unpack it yourself with another program"
        raise refused(what, archive)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"a link or a device, {info.filename[:120]!r}", archive)
    return Member(path, info.file_size, info.is_dir(), info)


def _of_tar(info: tarfile.TarInfo, archive: Path) -> Member:
    path = _checked_path(info.name, archive)
    if not (info.isdir() or info.type in PLAIN) or info.sparse is not None:
        raise refused(f"a link, a device or a sparse file, {info.name[:120]!r}", archive)
    if info.size < 0:
        raise refused(f"a negative size, {info.name[:120]!r}", archive)
    try:
        tarfile.data_filter(info, "/nowhere")  # the checks of the standard library as well
    except tarfile.FilterError as error:
        raise refused(str(error), archive) from None
    return Member(path, 0 if info.isdir() else info.size, info.isdir(), info)


def _checked_path(name: str, archive: Path) -> PurePosixPath:
    """The path of a member below the target. Raises IntegrityError for a name that could lead elsewhere."""
    path, shown = PurePosixPath(name), repr(name[:120])
    if not name.isprintable():
        raise refused(f"a name with control characters, {shown}", archive)
    if path.is_absolute() or "\\" in name or re.match("[A-Za-z]:", name):
        raise refused(f"an absolute name, or one of another operating system, {shown}", archive)
    if ".." in path.parts:
        raise refused(f"a name that leads out of its folder, {shown}", archive)
    if len(name) > LONGEST_NAME or any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise refused(f"a name too long for a file system, {shown}...", archive)
    return path


def _resource_fork(path: PurePosixPath) -> bool:
    """Whether macOS added the file: its name may end like that of an image, but it contains none."""
    return "__MACOSX" in path.parts or path.name.startswith("._")


def _check_unique(members: Sequence[Member], archive: Path) -> None:
    """No two files have one name, and no file has the name of a folder: chance would decide which is written."""
    files: set[PurePosixPath] = set()
    for member in members:
        if not member.is_folder and member.path in files:
            raise refused(f"two files named {str(member.path)[:120]!r}", archive)
        files |= set() if member.is_folder else {member.path}
    folders = {folder for member in members for folder in member.path.parents}
    folders |= {member.path for member in members if member.is_folder}
    if files & folders:
        raise refused(f"{str(min(files & folders))[:120]!r} is a file and a folder", archive)
