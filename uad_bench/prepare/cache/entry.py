"""One entry of the cache: its key, its check, its files. It is written to a hidden folder, then renamed.

<cache>/prepared/<2 hex>/<key>/
    record.json       the source files, and every step with its parameters and figures
    image.npy         float32 (Z, C, X, Y): an axial slice is contiguous in the file
    brain_mask.npy    bool (Z, X, Y); also lesion_mask.npy and ignored.npy, where the case has them
    thumbnail.npy     float32 (16, 16, 16), for the search for near duplicates
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.data.audit.near_duplicates import thumbnail
from uad_bench.data.nifti.lesions import BRAIN_FRACTION, check_declared_values
from uad_bench.data.nifti.mask_grid import mask_grid
from uad_bench.data.nifti.read import read_grid
from uad_bench.data.nifti.validation import check_ids
from uad_bench.data.nifti.voxel_digest import affine_digest
from uad_bench.prepare.cache.file_digests import FileDigests, Source
from uad_bench.prepare.chain import PreparedArrays, parse_steps
from uad_bench.support.atomic_files import sha256, sync_folder, write_json
from uad_bench.types import Case

#: Increased whenever the code of a step changes its result, so that no old entry is used for it.
RECIPE = 3
RECORD = "record.json"
LIBRARIES = ("nibabel", "numpy", "scipy", "simpleitk", "deepbet", "hd-bet", "nilearn")
MASKS = ("brain_mask", "lesion_mask", "ignored")


def sources(case: Case, modalities: Sequence[str]) -> dict[str, Source]:
    """The source files of an entry, by modality or mask."""
    read_as = case.orientation
    files = {name: Source(case.images[name], False, read_as) for name in modalities if name in case.images}
    masks = {"brain_mask": case.brain_mask, "lesion_mask": case.lesion_mask}
    return files | {role: Source(path, True, read_as) for role, path in masks.items() if path is not None}


def entry_folder(
    case: Case,
    modalities: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    digests: Mapping[str, FileDigests],
    cache_dir: Path,
) -> Path:
    """The folder of a case's entry. Its key covers the voxels of the files, all steps and the versions of libraries.

    Raises IntegrityError for an id that is no plain word (UB502), DataError for contradictory declarations
    of labels (UB342), UsageError for invalid steps, and as `mask_grid`.
    """
    check_ids([case])
    check_declared_values(case)
    labels = [list(case.lesion_labels), list(case.ignored_labels)]
    content = {
        "recipe": RECIPE,
        "lesion": [*labels, case.mask_threshold, case.allow_other_mask_grid],
        "stripped": case.stripped,
        # Earlier versions counted ignored values as lesion where no value was declared as lesion.
        **({"lesion_without_ignored": True} if case.ignored_labels and not case.lesion_labels else {}),
        **({"known_labels": list(case.known_labels)} if case.known_labels else {}),
        # Earlier versions applied the threshold of lesions to the brain mask, too.
        **({"brain_fraction": BRAIN_FRACTION} if _has_other_threshold(case) else {}),
        **({"mask_grids": grids} if (grids := _mask_grids(case, digests)) else {}),
        "sources": {role: [one.voxels, one.grid] for role, one in digests.items()},
        "modalities": list(modalities),
        "versions": _versions(),
        "steps": [step.model_dump(mode="json") for step in parse_steps(steps)],
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return cache_dir / "prepared" / key[:2] / key


def _has_other_threshold(case: Case) -> bool:
    return case.brain_mask is not None and case.mask_threshold not in (None, BRAIN_FRACTION)


def _mask_grids(case: Case, digests: Mapping[str, FileDigests]) -> dict[str, str]:
    """The grids of masks that are on the grid of no image of the entry, by role: the digest of their affine.

    The images that the protocol does not use may decide where such a mask lies, and are no sources of the entry. Their
    headers are read only where the mask is not on the grid of the entry's first image. Raises as `mask_grid`.
    """
    images, found = [role for role in digests if role not in MASKS], dict[str, str]()
    if not images or {*case.images} <= {*images}:
        return {}
    masks = {role: getattr(case, role) for role in digests if role in MASKS}
    for role, path in masks.items():
        if not digests[role].on_grid_of(digests[images[0]]):
            whole = read_grid(case.images[images[0]], case.case_id, case.orientation)
            first = replace(whole, other=None)  # as the chain knows it
            grid = mask_grid(path, case, first)
            found |= {} if np.array_equal(grid.affine, first.affine) else {role: affine_digest(grid.affine)}
    return found


def read_entry(folder: Path) -> dict[str, Any] | None:
    """The record of an entry whose files all have the recorded sizes; None for any other folder.

    No voxel is read; `digests_match` compares the digests.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        sizes, _ = record["bytes"], record["content"]
        complete = all((folder / name).stat().st_size == sizes[name] for name in record["files"])
    except (OSError, ValueError, RecursionError, KeyError, AttributeError, TypeError):
        return None
    return record if complete else None


def digests_match(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether every file of an entry has the recorded digest."""
    try:
        return all(sha256(folder / name) == digest for name, digest in record["files"].items())
    except OSError:
        return False


def write_entry(
    case: Case, result: PreparedArrays, digests: Mapping[str, FileDigests], folder: Path
) -> dict[str, Any]:
    """Write an entry, replacing what the folder contains; its record. The caller holds the lock of the entry.

    Raises OSError where the disk fails; no incomplete entry is left.
    """
    hidden = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        hidden.mkdir()
        for name, array in _files(result).items():
            _save(hidden / name, array)
        record = _record(case, result, digests, hidden)
        write_json(hidden / RECORD, record)
        shutil.rmtree(folder, ignore_errors=True)
        hidden.replace(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return record


def _arrays(result: PreparedArrays) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a case, (C, X, Y, Z) and (X, Y, Z)."""
    masks = {name: getattr(result, name) for name in MASKS}
    # Masks have files of their own, so that code that reads images cannot see a lesion.
    return {"image": result.image} | {name: mask for name, mask in masks.items() if mask is not None}


def _files(result: PreparedArrays) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an entry by file name, the slice axis first."""
    files = {f"{name}.npy": np.moveaxis(array, -1, 0) for name, array in _arrays(result).items()}
    return files | {"thumbnail.npy": thumbnail(result.image[0], result.brain_mask)}


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _content(array: npt.NDArray[Any]) -> str:
    """SHA-256 of an array as `np.save` writes it, independent of the axis order in the entry."""
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(array), allow_pickle=False)
    return hashlib.sha256(data.getbuffer()).hexdigest()


def _record(
    case: Case, result: PreparedArrays, digests: Mapping[str, FileDigests], folder: Path
) -> dict[str, Any]:
    """The sources, steps and digests of an entry, without times and paths: equal cases have equal records."""
    files = [*_files(result)]
    return {
        "recipe": RECIPE,
        "dataset": case.dataset,
        "case_id": case.case_id,
        "modalities": [role for role in digests if role not in MASKS],
        "affine": result.affine.tolist(),
        "to_atlas": result.to_atlas.tolist(),
        "lost": result.lost,
        "steps": result.record,
        "sources": {role: one.record for role, one in digests.items()},
        "versions": _versions(),
        **({"notes": list(result.notes)} if result.notes else {}),
        "content": {f"{name}.npy": _content(array) for name, array in _arrays(result).items()},
        "files": {name: sha256(folder / name) for name in files},
        "bytes": {name: (folder / name).stat().st_size for name in files},
    }


@cache
def _versions() -> dict[str, str]:
    """The versions of the libraries that compute voxels; another version makes another entry."""
    return {library: found for library in LIBRARIES if (found := _version(library))}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
