"""What a source file holds, known without opening it again: digests of voxels, found by path, size and time.

The cache is addressed by voxels, so equal scans under two names share an entry, whatever their gzip headers
say. Reading them for a digest costs a fraction of a second a file; a stamp keeps the answer until the file
changes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.data.nifti.background import without_background
from uad_bench.data.nifti.read import Grid, read_file
from uad_bench.data.nifti.validation import location
from uad_bench.data.nifti.voxel_digest import affine_digest, voxel_digest
from uad_bench.errors import DataError
from uad_bench.support.atomic_files import write_json
from uad_bench.types import Orientation

#: Raised whenever files are read otherwise than before, so that no old stamp counts for the present reader.
READER = 2


@dataclass(frozen=True)
class Source:
    """One file that an entry is made from, and how it is read: as an image or a mask; orientation: see `types.Case`."""

    path: Path
    is_mask: bool = False
    orientation: Orientation | None = None


@dataclass(frozen=True)
class Holds:
    """What one file holds.

    voxels: SHA-256 of shape and values; grid: of the affine, and of the header's other transform where it lies
    elsewhere; name: the file's name; notes: what is read otherwise than a user may expect.
    """

    voxels: str
    grid: str
    name: str
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """The fields for the record of an entry, without notes where there is none."""
        return {name: value for name, value in asdict(self).items() if value != ()}


def held(source: Source, case_id: str, cache_dir: Path) -> Holds:
    """What a file holds, from its stamp or, the first time, from its voxels.

    Raises DataError for a file that is missing (UB321) or cannot be read, as `read.read_file`.
    """
    stamp = _stamp(source, case_id, cache_dir)
    known = _read(stamp, source.path.name)
    if known is None:
        known = look(source, case_id)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        write_json(stamp, asdict(known))
    return known


def known(source: Source, case_id: str, cache_dir: Path) -> Holds | None:
    """What a file holds where a stamp says so; None without opening the file where there is none."""
    return _read(_stamp(source, case_id, cache_dir), source.path.name)


def look(source: Source, case_id: str) -> Holds:
    """What a file holds, from its voxels: float32 as the chain sees them, the file's own axes."""
    array, grid = read_file(source.path, location(case_id, source.path), source.orientation)
    array, note = (array, ()) if source.is_mask else without_background(array)
    return Holds(voxel_digest(array), _grid_digest(grid), source.path.name, (*grid.notes, *note))


def _grid_digest(grid: Grid) -> str:
    """The other transform counts too: it decides whether a mask lies on this image."""
    both = grid.affine if grid.other is None else np.concatenate([grid.affine, grid.other])
    return affine_digest(both)


def _stamp(source: Source, case_id: str, cache_dir: Path) -> Path:
    """Where the stamp of a file is. The whole path counts: copies in two folders may share all the rest."""
    path = source.path
    try:
        status = path.stat()
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=location(case_id, path), hint=hint, code="UB321") from None
    changes = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    facts = (path.absolute(), *changes, READER, source.is_mask, source.orientation)
    text = "\0".join(map(str, facts))
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return cache_dir / "stamps" / key[:2] / f"{key}.json"


def _read(stamp: Path, name: str) -> Holds | None:
    try:
        value = json.loads(stamp.read_text())
        return Holds(str(value["voxels"]), str(value["grid"]), name, tuple(map(str, value["notes"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
