"""Digests of the voxels of source files, stored so that an unchanged file is not read again.

The cache is addressed by voxels: equal scans under two names share an entry, whatever their gzip headers. Reading a
file for its digests takes a fraction of a second. The digests are stored under the file's path, size and times, and
are valid until one of these changes.
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

#: Increased whenever files are read otherwise than before, so that no digests of an older reader are used.
READER = 2


@dataclass(frozen=True)
class Source:
    """A source file of an entry, and how it is read: as an image or as a mask; orientation: see `types.Case`."""

    path: Path
    is_mask: bool = False
    orientation: Orientation | None = None


@dataclass(frozen=True)
class FileDigests:
    """Digests of one file.

    voxels: SHA-256 of shape and values; grid: of the affine, and of the header's other transform where the two differ;
    name: the file's name; notes: what is read otherwise than a user may expect; shape: voxels along each axis, which
    `voxels` covers too, so that it is not in the record; () in digests that an earlier version stored.
    """

    voxels: str
    grid: str
    name: str
    notes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """The fields for the record of an entry, without notes where there is none."""
        return {name: value for name, value in asdict(self).items() if value != () and name != "shape"}

    def on_grid_of(self, other: "FileDigests") -> bool:
        """Whether both files are known to have the same shape and transforms."""
        return bool(self.shape) and (self.shape, self.grid) == (other.shape, other.grid)


def file_digests(source: Source, case_id: str, cache_dir: Path) -> FileDigests:
    """The digests of a file: the stored ones or, the first time, those of its voxels.

    Raises DataError for a file that is missing (UB321) or unreadable, as `read.read_file`.
    """
    stored = _stored_path(source, case_id, cache_dir)
    digests = _read(stored, source.path.name)
    if digests is None:
        digests = compute_digests(source, case_id)
        stored.parent.mkdir(parents=True, exist_ok=True)
        write_json(stored, asdict(digests))
    return digests


def stored_digests(source: Source, case_id: str, cache_dir: Path) -> FileDigests | None:
    """The digests of a file where they are stored; None, without opening the file, where they are not."""
    return _read(_stored_path(source, case_id, cache_dir), source.path.name)


def compute_digests(source: Source, case_id: str) -> FileDigests:
    """The digests of a file, from its voxels: float32 as the chain reads them, the file's own axes."""
    array, grid = read_file(source.path, location(case_id, source.path), source.orientation)
    array, note = (array, ()) if source.is_mask else without_background(array)
    notes = (*grid.notes, *note)
    return FileDigests(voxel_digest(array), _grid_digest(grid), source.path.name, notes, grid.shape)


def _grid_digest(grid: Grid) -> str:
    """The digest covers the other transform too: it decides whether a mask is on the grid of this image."""
    both = grid.affine if grid.other is None else np.concatenate([grid.affine, grid.other])
    return affine_digest(both)


def _stored_path(source: Source, case_id: str, cache_dir: Path) -> Path:
    """Where the digests of a file are stored. The whole path counts: copies in two folders may share all the rest."""
    path = source.path
    try:
        status = path.stat()
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=location(case_id, path), hint=hint, code="UB321") from None
    changes = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    identity = (path.absolute(), *changes, READER, source.is_mask, source.orientation)
    text = "\0".join(map(str, identity))
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return cache_dir / "stamps" / key[:2] / f"{key}.json"


def _read(stored: Path, name: str) -> FileDigests | None:
    try:
        value = json.loads(stored.read_text())
        notes, shape = tuple(map(str, value["notes"])), tuple(map(int, value.get("shape", ())))
        return FileDigests(str(value["voxels"]), str(value["grid"]), name, notes, shape)
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
