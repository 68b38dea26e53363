"""All checks of one case: every file is read to its last byte, every mask is compared with its image."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uad_bench.data.inspect.brain_region import BrainRegion, voxels_with_data
from uad_bench.data.inspect.findings import LOGGED, Finding, FindingList
from uad_bench.data.inspect.voxel_checks import (
    Box,
    check_brain_size,
    check_finite,
    check_in_image,
    check_lesions,
    check_on_grid,
    check_overlap,
    check_values,
)
from uad_bench.data.nifti.lesions import check_declared_values, read_brain_mask, read_lesions
from uad_bench.data.nifti.mask_grid import matching_grid
from uad_bench.data.nifti.orientation import check_sides
from uad_bench.data.nifti.read import (
    Grid,
    Image,
    Mask,
    check_same_grid,
    read_any,
    read_grid,
    read_volume,
)
from uad_bench.data.nifti.validation import check_ids, location
from uad_bench.data.nifti.voxel_digest import voxel_digest
from uad_bench.errors import DataError
from uad_bench.types import Case


@dataclass(frozen=True)
class Checks:
    """Which checks are made.

    modalities: those of a protocol, in its order, that every case must have; quick: headers only; strict: a
    brain that fills less than 2 % or more than 90 % of its box is an error, not a warning; zero_nonfinite: the protocol
    sets NaN and Inf inside the brain to 0; box: (lowest, highest) along x, y, z of the protocol's grid, mm, where it is
    fixed in the world of the files.
    """

    modalities: tuple[str, ...] = ()
    quick: bool = False
    strict: bool = False
    zero_nonfinite: bool = False
    box: Box | None = None


DEFAULT_CHECKS = Checks()


@dataclass(frozen=True)
class InspectedCase:
    """A case and its findings. Values are None where they could not be, or were not, measured.

    lesion_ml: volume of its lesions; brain_share: share of its box that the brain fills, 0 to 1; voxels: a
    digest of the decoded voxels of each image, by modality.
    """

    case: Case
    findings: tuple[Finding, ...] = ()
    lesion_ml: float | None = None
    brain_share: float | None = None
    voxels: dict[str, str] = field(default_factory=dict)


def inspect_case(case: Case, checks: Checks = DEFAULT_CHECKS) -> InspectedCase:
    """The findings of a case. Raises nothing: every error becomes a finding."""
    found = FindingList(case.case_id)
    with found.capturing_warnings():
        found.attempt(_check_declared, case, checks, found)
        read = _read_headers if checks.quick else _read_voxels
        measured = found.attempt(read, case, checks, found) or InspectedCase(case)
    return InspectedCase(
        case, tuple(found.findings), measured.lesion_ml, measured.brain_share, measured.voxels
    )


def _check_declared(case: Case, checks: Checks, found: FindingList) -> None:
    """The checks that open no file."""
    found.attempt(check_ids, [case])
    found.attempt(check_declared_values, case)
    missing = [name for name in checks.modalities if name not in case.images]
    if missing or not case.images:
        has = ", ".join(case.images) or "none"
        hint = "add its files, or leave the case out"
        what = f"no {' and no '.join(missing) or 'image'}; the case has {has}"
        found.error(DataError(what, where=case.case_id, hint=hint, code="UB332"))
    if not case.healthy and case.lesion_mask is None:
        hint = "add its lesion mask, or leave the case out"
        found.error(DataError("no lesion mask", where=case.case_id, hint=hint, code="UB333"))


def _read_headers(case: Case, checks: Checks, found: FindingList) -> InspectedCase:
    """The quick checks: every header, and whether masks are on the grid of an image."""
    grids = _grids(case, case.images, found)
    check_overlap(grids, found)
    for name, grid in grids.items() if case.orientation is None else ():
        found.attempt(check_sides, grid.affine, grid.other, location(case.case_id, case.images[name]))
    masks = ((case.brain_mask, list(grids.values())), (case.lesion_mask, _lesion_grids(grids, checks)))
    for path, images in masks:
        own = _own_grid(path, case, found)
        if path and own:
            like = found.attempt(matching_grid, own, images, case, path)
            found.attempt(check_same_grid, own, like or own, location(case.case_id, path))
    for file in _files(case):
        read = _own_grid(file, case, FindingList())
        for note in read.notes if read else ():
            found.warn(LOGGED, f"{location(case.case_id, file)}: {note}")
    return InspectedCase(case)


def _grids(case: Case, images: Iterable[str], found: FindingList) -> dict[str, Grid]:
    """The grids of some images, with both transforms of their headers; those that can be read."""
    read = {name: _own_grid(case.images[name], case, found) for name in images}
    return {name: grid for name, grid in read.items() if grid is not None}


def _own_grid(path: Path | None, case: Case, found: FindingList) -> Grid | None:
    return found.attempt(read_grid, path, case.case_id, case.orientation) if path else None


def _files(case: Case) -> list[Path]:
    return [path for path in (*case.images.values(), case.brain_mask, case.lesion_mask) if path is not None]


def _read_voxels(case: Case, checks: Checks, found: FindingList) -> InspectedCase:
    """All checks."""
    way, files = case.orientation, case.images.items()
    read = {name: found.attempt(read_volume, path, case.case_id, way) for name, path in files}
    images = {name: image for name, image in read.items() if image is not None}
    grids = _grids(case, images, found)
    check_overlap(grids, found)
    brain = _brain(case, images, grids, checks, found)
    for name, image in images.items():
        check_finite(name, image, brain, found, zero=checks.zero_nonfinite)
    mask = _mask(case.lesion_mask, case, _lesion_grids(grids, checks), read_lesions, found)
    if mask is not None:
        check_lesions(case, mask, brain, found)
        check_in_image(case, mask, grids, brain, found)
    if case.lesion_mask and mask is not None and case.mask_threshold is None:
        check_values(case, read_any(case.lesion_mask, case.case_id, way).array, found)
    return InspectedCase(
        case,
        lesion_ml=None if mask is None else float(mask.array.sum()) * mask.grid.voxel_ml,
        brain_share=brain.share if brain else None,
        voxels={name: voxel_digest(image.array) for name, image in images.items()},
    )


def _lesion_grids(grids: dict[str, Grid], checks: Checks) -> list[Grid]:
    """The grids that a lesion mask may be on, as in preparation: first that of the protocol's first modality."""
    first = checks.modalities[:1]
    return [grid for _, grid in sorted(grids.items(), key=lambda pair: pair[0] not in first)]


def _mask(
    path: Path | None,
    case: Case,
    images: Sequence[Grid],
    read: Callable[[Path, Case, Grid], Mask],
    found: FindingList,
) -> Mask | None:
    own = _own_grid(path, case, found)
    like = found.attempt(matching_grid, own, images, case, path) if path and own else None
    if path is None or like is None:
        return None
    return found.attempt(read, path, case, like)


def _brain(
    case: Case, images: dict[str, Image], grids: dict[str, Grid], checks: Checks, found: FindingList
) -> BrainRegion | None:
    """The brain where it is known before preparation, its size checked."""
    region = None
    mask = _mask(case.brain_mask, case, list(grids.values()), read_brain_mask, found)
    if mask is not None:
        region = BrainRegion(mask, from_file=True)
    elif case.brain_mask is None and case.stripped and images:
        region = voxels_with_data(next(iter(images.values())))
    if region is not None:
        check_brain_size(case, region, found, strict=checks.strict)
        if checks.box and region.share:
            found.attempt(check_on_grid, case, region, checks.box)
    return region if region is not None and region.share else None
