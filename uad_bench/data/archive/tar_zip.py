"""Tar and zip files, opened as a stranger's: their streams are bounded, and read to the end for the checksum."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from uad_bench.errors import DataError, IntegrityError, UadError

# What a tar may carry after its end (padding), and what a small archive may hold whatever its ratio.
SLACK = 16 << 20
# Headers of tar are 512 bytes, long names a few thousand; only a hostile one asks for more at once.
LARGEST_READ = 1 << 20
BLOCK = 512
STREAMS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
AGAIN = "download it again"


def refused(what: str, archive: Path) -> IntegrityError:
    """The error for an archive that must not be unpacked."""
    return IntegrityError(what, where=archive.name, hint="nothing was extracted", code="UB504")


@contextmanager
def reading(archive: Path) -> Iterator[None]:
    """Whatever a library throws at damaged bytes becomes one DataError (UB322)."""
    try:
        yield
    except UadError:
        raise
    except Exception as error:  # tarfile alone is known to raise eight kinds
        what = f"truncated or damaged: {type(error).__name__}: {error}"
        raise DataError(what, where=archive.name, hint=AGAIN, code="UB322") from None


def is_zip(archive: Path) -> bool:
    """By its beginning: zipfile looks at the end, where a tar may hold a zip."""
    return _head(archive).startswith((b"PK\3\4", b"PK\5\6"))


@contextmanager
def open_zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    """The archive as a zip. Raises DataError (UB322)."""
    with reading(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        yield opened


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive as a tar, its compression told by its first bytes. Raises DataError (UB322)."""
    head = _head(archive)
    opener = next((opener for magic, opener in STREAMS.items() if head.startswith(magic)), open)
    with opener(archive, "rb") as stream, _as_tar(stream, archive) as tar:
        yield tar


def tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """Every header, to the end of the stream. Raises DataError (UB322), also where the list breaks off."""
    walk = iter(tar)
    while True:
        with reading(archive):
            info = next(walk, None)
        if info is None:
            break
        yield info
    _check_end(cast(_Wary, tar.fileobj), archive)


def open_member(
    opened: zipfile.ZipFile | tarfile.TarFile, handle: zipfile.ZipInfo | tarfile.TarInfo
) -> IO[bytes]:
    """The bytes of one file, to be read under `reading`."""
    if isinstance(opened, zipfile.ZipFile):
        return opened.open(cast(zipfile.ZipInfo, handle))
    return cast(IO[bytes], opened.extractfile(cast(tarfile.TarInfo, handle)))


def _head(archive: Path) -> bytes:
    with archive.open("rb") as file:
        return file.read(6)


def _as_tar(stream: IO[bytes], archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=cast(IO[bytes], _Wary(stream, archive)), mode="r:")
    except UadError:
        raise
    except Exception as error:
        what = f"not a tar or zip that can be read: {type(error).__name__}: {error}"
        hint = "a failed download? An encrypted archive must be decrypted first"
        raise DataError(what, where=archive.name, hint=hint, code="UB322") from None


class _Wary:
    """A stream for tarfile that refuses what only a hostile header asks for, and keeps the last block."""

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream, self._archive, self.last = stream, archive, b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise refused(f"a header of {size} bytes", self._archive)
        self.last = self._stream.read(size)
        return self.last

    def seek(self, offset: int) -> int:
        return self._stream.seek(offset)

    def tell(self) -> int:
        return self._stream.tell()


def _check_end(stream: _Wary, archive: Path) -> None:
    """The members end with a block of zeros, and the rest of the stream has a sound checksum.

    tarfile takes a damaged header, or a file cut between two members, for the end.
    """
    if stream.last != bytes(BLOCK):
        what = "truncated or damaged: the list of members breaks off"
        raise DataError(what, where=archive.name, hint=AGAIN, code="UB322")
    left = SLACK
    with reading(archive):
        while piece := stream.read(LARGEST_READ):
            left -= len(piece)
            if left < 0:
                raise refused("more bytes after the end of the tar", archive)
