"""Digests of the voxels of source files, stored so that an unchanged file is not read again.

The cache is addressed by voxels: equal scans under two names share an entry, whatever their gzip headers. Reading a
file for its digests takes a fraction of a second. The digests are stored under the file's path, size and times, and
are valid until one of these changes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from uad_bench.data.nifti.read import read_any
from uad_bench.data.nifti.validation import location
from uad_bench.data.nifti.voxel_digest import affine_digest, voxel_digest
from uad_bench.errors import DataError
from uad_bench.support.atomic_files import write_json


@dataclass(frozen=True)
class FileDigests:
    """Digests of one file. voxels: SHA-256 of shape and values; grid: of the affine; name: the file's name."""

    voxels: str
    grid: str
    name: str


def file_digests(path: Path, case_id: str, cache_dir: Path) -> FileDigests:
    """The digests of `path`: the stored ones or, the first time, those of its voxels.

    Raises DataError for a file that is missing (UB321) or unreadable, as `read.read_volume`.
    """
    stored = _stored_path(path, case_id, cache_dir)
    digests = _read(stored, path.name)
    if digests is None:
        digests = compute_digests(path, case_id)
        stored.parent.mkdir(parents=True, exist_ok=True)
        write_json(stored, asdict(digests))
    return digests


def stored_digests(path: Path, case_id: str, cache_dir: Path) -> FileDigests | None:
    """The digests of `path` where they are stored; None, without opening the file, where they are not."""
    return _read(_stored_path(path, case_id, cache_dir), path.name)


def compute_digests(path: Path, case_id: str) -> FileDigests:
    """The digests of a file, from its voxels: float32 as the chain reads them, the file's own axes."""
    volume = read_any(path, case_id)
    return FileDigests(voxel_digest(volume.array), affine_digest(volume.affine), path.name)


def _stored_path(path: Path, case_id: str, cache_dir: Path) -> Path:
    """Where the digests of a file are stored. The whole path counts: copies in two folders may share all the rest."""
    try:
        status = path.stat()
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=location(case_id, path), hint=hint, code="UB321") from None
    identity = (path.absolute(), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    text = "\0".join(map(str, identity))
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return cache_dir / "stamps" / key[:2] / f"{key}.json"


def _read(stored: Path, name: str) -> FileDigests | None:
    try:
        value = json.loads(stored.read_text())
        return FileDigests(str(value["voxels"]), str(value["grid"]), name)
    except (OSError, ValueError, KeyError, TypeError):
        return None
