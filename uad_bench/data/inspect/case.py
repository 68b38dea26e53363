"""One case looked at as closely as its files allow: every file to its last byte, every mask against its image."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from uad_bench.data.inspect.brain_region import Region, from_data
from uad_bench.data.inspect.findings import Finding, Notes
from uad_bench.data.inspect.voxel_checks import judge_finite, judge_lesions, judge_size, judge_values
from uad_bench.data.nifti.read import (
    TOLERANCE,
    Grid,
    Image,
    Mask,
    check_same_grid,
    offset_voxels,
    read_any,
    read_grid,
    read_mask,
    read_volume,
)
from uad_bench.data.nifti.validation import check_ids, place
from uad_bench.errors import DataError
from uad_bench.types import Case, FloatArray


@dataclass(frozen=True)
class Checks:
    """How closely to look.

    modalities: those of a protocol, in its order, that every case must have; quick: headers only; strict: a
    brain that fills less than 2 % or more than 90 % of its box is an error, not a warning.
    """

    modalities: tuple[str, ...] = ()
    quick: bool = False
    strict: bool = False


THOROUGH = Checks()


@dataclass(frozen=True)
class Inspected:
    """A case and what was found. Figures are None where they could not be, or were not, measured.

    lesion_ml: volume of its lesions; brain_share: part of the box that the brain fills, 0 to 1; voxels: a
    digest of the decoded voxels of each image, by modality.
    """

    case: Case
    findings: tuple[Finding, ...] = ()
    lesion_ml: float | None = None
    brain_share: float | None = None
    voxels: dict[str, str] = field(default_factory=dict)


def inspect(case: Case, checks: Checks = THOROUGH) -> Inspected:
    """What there is to say of a case. Raises nothing: whatever goes wrong is a finding."""
    notes = Notes(case.case_id)
    with notes.listening():
        notes.attempt(_check_declared, case, checks, notes)
        look = _headers if checks.quick else _voxels
        found = notes.attempt(look, case, checks, notes) or Inspected(case)
    return Inspected(case, tuple(notes.findings), found.lesion_ml, found.brain_share, found.voxels)


def voxel_digest(array: FloatArray) -> str:
    """SHA-256 (hex) of decoded voxels (X, Y, Z): equal for equal scans, however their files were packed."""
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _check_declared(case: Case, checks: Checks, notes: Notes) -> None:
    """What can be said without opening a file."""
    notes.attempt(check_ids, [case])
    missing = [name for name in checks.modalities if name not in case.images]
    if missing or not case.images:
        has = ", ".join(case.images) or "none"
        hint = "add its files, or leave the case out"
        what = f"no {' and no '.join(missing) or 'image'}; the case has {has}"
        notes.error(DataError(what, where=case.case_id, hint=hint, code="UB332"))
    if not case.healthy and case.lesion_mask is None:
        hint = "add its lesion mask, or leave the case out"
        notes.error(DataError("no lesion mask", where=case.case_id, hint=hint, code="UB333"))


def _headers(case: Case, checks: Checks, notes: Notes) -> Inspected:
    """The quick look: every header, and whether masks are on the grid of an image."""
    found = {name: notes.attempt(read_grid, path, case.case_id) for name, path in case.images.items()}
    grids = {name: grid for name, grid in found.items() if grid is not None}
    for path, homes in ((case.brain_mask, list(grids.values())), (case.lesion_mask, _homes(grids, checks))):
        own = notes.attempt(read_grid, path, case.case_id) if path else None
        if path and own:
            notes.attempt(check_same_grid, own, _home(own, homes, case), place(case.case_id, path))
    return Inspected(case)


def _voxels(case: Case, checks: Checks, notes: Notes) -> Inspected:
    """The whole look."""
    found = {name: notes.attempt(read_volume, path, case.case_id) for name, path in case.images.items()}
    images = {name: image for name, image in found.items() if image is not None}
    grids = {name: image.grid for name, image in images.items()}
    brain = _brain(case, images, checks, notes)
    for name, image in images.items():
        judge_finite(name, image, brain, notes)
    mask = _mask(case.lesion_mask, case, _homes(grids, checks), case.lesion_labels, notes)
    if mask is not None:
        judge_lesions(case, mask, brain, notes)
    if case.lesion_mask and mask is not None and case.mask_cut is None:
        judge_values(case, read_any(case.lesion_mask, case.case_id).array, notes)
    return Inspected(
        case,
        lesion_ml=None if mask is None else float(mask.array.sum()) * mask.grid.voxel_ml,
        brain_share=brain.share if brain else None,
        voxels={name: voxel_digest(image.array) for name, image in images.items()},
    )


def _homes(grids: dict[str, Grid], checks: Checks) -> list[Grid]:
    """The grids that a lesion mask may be on: the protocol's first modality's, else that of any image."""
    first = checks.modalities[:1]
    return [grid for name, grid in grids.items() if name in first] or list(grids.values())


def _home(own: Grid, grids: Sequence[Grid], case: Case) -> Grid:
    """The grid of these that a mask on `own` fits, else the first; its own where no image could be read, or where
    the case allows that.
    """
    fitting = (grid for grid in grids if offset_voxels(own, grid) <= TOLERANCE)
    return next(fitting, own if case.masks_apart or not grids else grids[0])


def _mask(
    path: Path | None, case: Case, grids: Sequence[Grid], labels: Sequence[int], notes: Notes
) -> Mask | None:
    own = notes.attempt(read_grid, path, case.case_id) if path else None
    if path is None or own is None:
        return None
    return notes.attempt(read_mask, path, case.case_id, _home(own, grids, case), labels, case.mask_cut)


def _brain(case: Case, images: dict[str, Image], checks: Checks, notes: Notes) -> Region | None:
    """The brain where it is known before preparation; its size judged."""
    region = None
    mask = _mask(case.brain_mask, case, [image.grid for image in images.values()], (), notes)
    if mask is not None:
        region = Region(mask, drawn=True)
    elif case.brain_mask is None and case.stripped and images:
        region = from_data(next(iter(images.values())))
    if region is not None:
        judge_size(case, region, notes, strict=checks.strict)
    return region if region is not None and region.share else None
