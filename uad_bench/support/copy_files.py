"""Copies of files: an error says whether the source cannot be read or the copy cannot be written."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from uad_bench.errors import DataError
from uad_bench.support.atomic_files import cannot_write

BLOCK = 1 << 20


def copy_file(source: Path, target: Path) -> str:
    """Copy the bytes of a file, make the folder for it, and return the SHA-256 of what was written.

    Raises DataError where the source cannot be read (UB321), EnvironmentFault where the copy cannot be written.
    """
    digest = hashlib.sha256()
    try:
        old = source.open("rb")
    except OSError as error:
        raise cannot_read(error, source) from error
    with old:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as new:
                for block in _blocks(old, source):
                    digest.update(block)
                    new.write(block)
        except OSError as error:
            raise cannot_write(error, target) from error
    return digest.hexdigest()


def _blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    while True:
        try:
            block = file.read(BLOCK)
        except OSError as error:
            raise cannot_read(error, path) from error
        if not block:
            return
        yield block


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files of a folder and its subfolders into a folder. Raises as `copy_file`."""
    _each_file(source, target, copy_file)


def link_folder(source: Path, target: Path) -> None:
    """As `copy_folder`, with hard links in the place of copies where the file system has them."""
    _each_file(source, target, _link)


def _each_file(source: Path, target: Path, copy: Callable[[Path, Path], object]) -> None:
    def refuse(error: OSError) -> None:
        raise cannot_read(error, Path(error.filename or source)) from error

    for here, folders, files in os.walk(source, onerror=refuse):
        folder = target / Path(here).relative_to(source)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in filter(lambda name: Path(here, name).is_symlink(), folders):  # is not walked into
                (folder / name).symlink_to(Path(here, name).readlink())
        except OSError as error:
            raise cannot_write(error, folder) from error
        folders.sort()
        for name in sorted(files):
            copy(Path(here, name), folder / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        copy_file(source, target)


def cannot_read(error: OSError, path: Path) -> DataError:
    """The error of a file or folder that cannot be read, to be raised."""
    what, hint = f"cannot read: {error.strerror or error}", "check the path and its permissions"
    return DataError(what, where=str(path), hint=hint, code="UB321")
