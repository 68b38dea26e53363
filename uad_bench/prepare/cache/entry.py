"""One entry of the cache: its name, its check, its making. Made whole beside its place, then renamed.

<cache>/prepared/<2 hex>/<key>/
    record.json       what it was made from, every step with its parameters and figures
    image.npy         float32 (Z, C, X, Y): an axial slice is one piece of the file
    brain_mask.npy    bool (Z, X, Y); lesion_mask.npy and ignored.npy alike, where the case has them
    thumbnail.npy     float32 (16, 16, 16), for the search of near duplicates
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.data.audit.near_duplicates import thumbnail
from uad_bench.data.nifti.validation import check_ids
from uad_bench.prepare.cache.file_digests import Holds, Source
from uad_bench.prepare.chain import Prepared, parse_steps
from uad_bench.support.atomic_files import sha256, sync_folder, write_json
from uad_bench.types import Case

#: Raised whenever the code of a step changes what it makes, so that no old entry is taken for new.
RECIPE = 3
RECORD = "record.json"
LIBRARIES = ("nibabel", "numpy", "scipy", "simpleitk", "deepbet", "hd-bet", "nilearn")
MASKS = ("brain_mask", "lesion_mask", "ignored")


def sources(case: Case, modalities: Sequence[str]) -> dict[str, Source]:
    """The files that an entry is made from, by what they are."""
    way = case.orientation
    files = {name: Source(case.images[name], False, way) for name in modalities if name in case.images}
    masks = {"brain_mask": case.brain_mask, "lesion_mask": case.lesion_mask}
    return files | {role: Source(path, True, way) for role, path in masks.items() if path is not None}


def entry_folder(
    case: Case,
    modalities: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    holds: Mapping[str, Holds],
    cache_dir: Path,
) -> Path:
    """Where the entry of a case is: named by the voxels of its files and everything that is done to them.

    Raises IntegrityError for an id that is no plain word, UsageError for steps that cannot be.
    """
    check_ids([case])
    content = {
        "recipe": RECIPE,
        "lesion": [
            list(case.lesion_labels),
            list(case.ignored_labels),
            case.mask_threshold,
            case.allow_other_mask_grid,
        ],
        "stripped": case.stripped,
        "sources": {role: [held.voxels, held.grid] for role, held in holds.items()},
        "modalities": list(modalities),
        "versions": _versions(),
        "steps": [step.model_dump(mode="json") for step in parse_steps(steps)],
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return cache_dir / "prepared" / key[:2] / key


def read_entry(folder: Path) -> dict[str, Any] | None:
    """The record of an entry whose files all have the sizes written in it; None for any other folder.

    No voxel is touched; `whole` compares the digests.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        sizes, _ = record["bytes"], record["content"]
        sound = all((folder / name).stat().st_size == sizes[name] for name in record["files"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return record if sound else None


def whole(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether every file of an entry has the digest written in its record."""
    try:
        return all(sha256(folder / name) == digest for name, digest in record["files"].items())
    except OSError:
        return False


def write_entry(case: Case, result: Prepared, holds: Mapping[str, Holds], folder: Path) -> dict[str, Any]:
    """Put an entry in place of whatever is there; its record. Call it under a lock.

    Raises OSError where the disk fails; nothing is left then.
    """
    aside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        for name, array in _stored(result).items():
            _save(aside / name, array)
        record = _record(case, result, holds, aside)
        write_json(aside / RECORD, record)
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return record


def _arrays(result: Prepared) -> dict[str, npt.NDArray[Any]]:
    """What a case is made of, axes as everywhere: (C, X, Y, Z) and (X, Y, Z)."""
    masks = {name: getattr(result, name) for name in MASKS}
    # Apart from the image, so that no reader of images ever meets a lesion.
    return {"image": result.image} | {name: mask for name, mask in masks.items() if mask is not None}


def _stored(result: Prepared) -> dict[str, npt.NDArray[Any]]:
    """The files of an entry, the slice axis first."""
    files = {f"{name}.npy": np.moveaxis(array, -1, 0) for name, array in _arrays(result).items()}
    return files | {"thumbnail.npy": thumbnail(result.image[0], result.brain_mask)}


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _content(array: npt.NDArray[Any]) -> str:
    """SHA-256 of an array as `np.save` writes it: the same however the entry happens to store it."""
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(array), allow_pickle=False)
    return hashlib.sha256(data.getbuffer()).hexdigest()


def _record(case: Case, result: Prepared, holds: Mapping[str, Holds], folder: Path) -> dict[str, Any]:
    """What the entry was made from and how, with nothing in it that changes from one making to the next."""
    files = [*_stored(result)]
    return {
        "recipe": RECIPE,
        "dataset": case.dataset,
        "case_id": case.case_id,
        "modalities": [role for role in holds if role not in MASKS],
        "affine": result.affine.tolist(),
        "to_atlas": result.to_atlas.tolist(),
        "lost": result.lost,
        "steps": result.record,
        "sources": {role: held.record for role, held in holds.items()},
        "versions": _versions(),
        "content": {f"{name}.npy": _content(array) for name, array in _arrays(result).items()},
        "files": {name: sha256(folder / name) for name in files},
        "bytes": {name: (folder / name).stat().st_size for name in files},
    }


@cache
def _versions() -> dict[str, str]:
    """The libraries that make voxels: another version makes another entry."""
    return {library: found for library in LIBRARIES if (found := _version(library))}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
