"""What a source file holds, known without opening it again: digests of voxels, found by path, size and time.

The cache is addressed by voxels, so equal scans under two names share an entry, whatever their gzip headers
say. Reading them for a digest costs a fraction of a second a file; a stamp keeps the answer until the file
changes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from uad_bench.data.nifti.read import read_any
from uad_bench.data.nifti.validation import location
from uad_bench.errors import DataError
from uad_bench.support.atomic_files import write_json


@dataclass(frozen=True)
class Holds:
    """What one file holds. voxels: SHA-256 of shape and values; grid: of the affine; name: the file's name."""

    voxels: str
    grid: str
    name: str


def held(path: Path, case_id: str, cache_dir: Path) -> Holds:
    """What `path` holds, from its stamp or, the first time, from its voxels.

    Raises DataError for a file that is missing (UB321) or cannot be read, as `volumes.read_volume`.
    """
    stamp = _stamp(path, case_id, cache_dir)
    known = _read(stamp, path.name)
    if known is None:
        known = look(path, case_id)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        write_json(stamp, asdict(known))
    return known


def known(path: Path, case_id: str, cache_dir: Path) -> Holds | None:
    """What `path` holds where a stamp says so; None without opening the file where there is none."""
    return _read(_stamp(path, case_id, cache_dir), path.name)


def look(path: Path, case_id: str) -> Holds:
    """What a file holds, from its voxels: float32 as the chain sees them, the file's own axes."""
    volume = read_any(path, case_id)
    voxels = hashlib.sha256(np.array(volume.array.shape, dtype="<i8").tobytes())
    voxels.update(np.ascontiguousarray(volume.array, dtype="<f4").data)
    grid = hashlib.sha256(np.asarray(volume.affine, dtype="<f8").tobytes())
    return Holds(voxels.hexdigest(), grid.hexdigest()[:16], path.name)


def _stamp(path: Path, case_id: str, cache_dir: Path) -> Path:
    """Where the stamp of a file is. The whole path counts: copies in two folders may share all the rest."""
    try:
        status = path.stat()
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=location(case_id, path), hint=hint, code="UB321") from None
    facts = (path.absolute(), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    text = "\0".join(map(str, facts))
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return cache_dir / "stamps" / key[:2] / f"{key}.json"


def _read(stamp: Path, name: str) -> Holds | None:
    try:
        value = json.loads(stamp.read_text())
        return Holds(str(value["voxels"]), str(value["grid"]), name)
    except (OSError, ValueError, KeyError, TypeError):
        return None
