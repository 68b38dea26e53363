"""Tar and zip files from an unknown source: reads are bounded, and streams are read to the end for the checksum."""

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

# Bytes that a tar may have after its end (padding), and unpacked bytes that any archive may have.
SLACK = 16 << 20
# Headers of tar are 512 bytes, long names a few thousand; only a malicious header requests more at once.
LARGEST_READ = 1 << 20
BLOCK = 512
STREAMS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
AGAIN = "download it again"


def refused(what: str, archive: Path) -> IntegrityError:
    """The error for an archive that must not be unpacked."""
    return IntegrityError(what, where=archive.name, hint="nothing was extracted", code="UB504")


@contextmanager
def damage_as_data_error(archive: Path) -> Iterator[None]:
    """Turn any exception that a library raises for damaged bytes into a DataError (UB322)."""
    try:
        yield
    except UadError:
        raise
    except Exception as error:  # tarfile alone raises eight kinds
        what = f"truncated or damaged: {type(error).__name__}: {error}"
        raise DataError(what, where=archive.name, hint=AGAIN, code="UB322") from None


def is_zip(archive: Path) -> bool:
    """Whether the first bytes are those of a zip: `zipfile` searches the end, where a tar may contain a zip."""
    return _head(archive).startswith((b"PK\3\4", b"PK\5\6"))


@contextmanager
def open_zip(archive: Path) -> Iterator[zipfile.ZipFile]:
    """The archive as a zip. Raises DataError (UB322)."""
    with damage_as_data_error(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        yield opened


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive as a tar, its compression recognised by the first bytes. Raises DataError (UB322)."""
    head = _head(archive)
    opener = next((opener for magic, opener in STREAMS.items() if head.startswith(magic)), open)
    with opener(archive, "rb") as stream, _as_tar(stream, archive) as tar:
        yield tar


def tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """Every header, to the end of the stream. Raises DataError (UB322), also where the list of members is cut short."""
    walk = iter(tar)
    while True:
        with damage_as_data_error(archive):
            info = next(walk, None)
        if info is None:
            break
        yield info
    _check_end(cast(_BoundedStream, tar.fileobj), archive)


def open_member(
    opened: zipfile.ZipFile | tarfile.TarFile, handle: zipfile.ZipInfo | tarfile.TarInfo
) -> IO[bytes]:
    """The stream of one file. Read it within `damage_as_data_error`."""
    if isinstance(opened, zipfile.ZipFile):
        return opened.open(cast(zipfile.ZipInfo, handle))
    return cast(IO[bytes], opened.extractfile(cast(tarfile.TarInfo, handle)))


def _head(archive: Path) -> bytes:
    with archive.open("rb") as file:
        return file.read(6)


def _as_tar(stream: IO[bytes], archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=cast(IO[bytes], _BoundedStream(stream, archive)), mode="r:")
    except UadError:
        raise
    except Exception as error:
        what = f"not a readable tar or zip: {type(error).__name__}: {error}"
        hint = "a failed download? An encrypted archive must be decrypted first"
        raise DataError(what, where=archive.name, hint=hint, code="UB322") from None


class _BoundedStream:
    """A stream for tarfile that refuses reads which only a malicious header requests, and keeps the last block."""

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


def _check_end(stream: _BoundedStream, archive: Path) -> None:
    """Check that the members end with a block of zeros, and that the checksum of the stream matches.

    tarfile treats a damaged header, or a file truncated between two members, as the end.
    """
    if stream.last != bytes(BLOCK):
        what = "truncated or damaged: the list of members is cut short"
        raise DataError(what, where=archive.name, hint=AGAIN, code="UB322")
    left = SLACK
    with damage_as_data_error(archive):
        while piece := stream.read(LARGEST_READ):
            left -= len(piece)
            if left < 0:
                raise refused("more bytes after the end of the tar", archive)
