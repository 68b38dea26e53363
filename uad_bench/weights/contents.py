"""What the files of a bundle hold, checked without executing anything: safetensors, plain arrays, JSON."""

import json
import math
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.errors import IntegrityError
from uad_bench.weights.manifest import FORBIDDEN

JSON_BYTES = 100_000_000


def check_content(path: Path, where: str) -> None:
    """Raise IntegrityError (UB511) for a file that is not of the format that its name says, or that holds a pickle.

    path: a file whose suffix is one of CHECKS.
    """
    CHECKS[path.suffix](path, where)


def _safetensors(path: Path, where: str) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:  # compares the header with the size of the file
            file.keys()
    except (SafetensorError, OSError) as error:
        _refuse(f"{path.name} is no readable safetensors file: {error}", where, error)


def _npz(path: Path, where: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                with archive.open(info) as stream:
                    _check_array(stream, info)
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        _refuse(f"{path.name} is no readable archive of plain arrays: {error}", where, error)


def _check_array(stream: Any, info: zipfile.ZipInfo) -> None:
    """Raise ValueError for an array of Python objects, which is a pickle, or one that claims another size."""
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"{info.filename} is no array of a known version")
    shape, _, dtype = HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError(f"{info.filename} holds Python objects, that is a pickle")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != info.file_size - stream.tell():
        raise ValueError(f"{info.filename} claims the shape {shape}")


def _json(path: Path, where: str) -> None:
    if path.stat().st_size > JSON_BYTES:
        _refuse(f"{path.name} has more than {JSON_BYTES} bytes", where)
    try:
        json.loads(path.read_bytes())  # a method may store NaN
    except (ValueError, RecursionError) as error:
        _refuse(f"{path.name} is not readable as JSON: {error}", where, error)


def _refuse(what: str, where: str, cause: BaseException | None = None) -> None:
    raise IntegrityError(what, where=where, hint="do not use this bundle", code=FORBIDDEN) from cause


Check = Callable[[Path, str], None]
CHECKS: dict[str, Check] = {".safetensors": _safetensors, ".npz": _npz, ".json": _json}
HEADERS: dict[tuple[int, int], Callable[[Any], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
