"""Measures, warnings and histograms of a prepared case and of its source files; no voxels are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from uad_bench.data.nifti.lesions import read_lesions
from uad_bench.data.nifti.mask_grid import mask_grid
from uad_bench.data.nifti.read import Grid, Volume, read_grid, read_volume
from uad_bench.data_report.outliers import CaseFacts
from uad_bench.data_report.sheets import Histogram
from uad_bench.errors import UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.resampling.lesion_mask import components
from uad_bench.prepare.to_native import prepared_grid, target_voxels
from uad_bench.types import BoolArray, FloatArray, Scan

#: Number of brain voxels in the histogram of a source file.
MAX_VOXELS = 20_000
#: Names on the page of the measures that the step `register` records.
REGISTRATION = {
    "dice": "Dice to atlas",
    "mi_over_best": "MI over best",
    "mi_over_mean": "MI over mean",
    "rotation_degrees": "rotation, degrees",
    "determinant": "determinant",
    "outside_atlas": "outside",
}
#: Lesion volumes above MIN_ML that change by more than this share give a warning.
MIN_ML, MAX_CHANGE = 1.0, 0.03


@dataclass(frozen=True)
class CaseReport:
    """The content of the report for one case, small enough that thousands fit in memory.

    before: by modality, histogram of the intensities of the source file in the brain, empty where it cannot be read;
    after: by modality, the 0.5th percentile in the prepared brain, the median of `reference_tissue`, the 99.5th
    percentile.
    """

    prepared: PreparedCase
    facts: CaseFacts
    before: Mapping[str, Histogram]
    after: Mapping[str, tuple[float, float, float]]


def case_report(prepared: PreparedCase) -> CaseReport:
    """Read a prepared case and its source files once. A source file that can no longer be read gives a warning."""
    scan, case = prepared.scan(), prepared.case
    grid = prepared_grid(prepared.record, scan.shape)
    before: dict[str, Histogram] = {}
    lesions: dict[str, float] = {}
    warnings = recorded_warnings(prepared.record)
    try:
        before = {name: file_histogram(prepared, name, scan.brain_mask, grid) for name in scan.modalities}
        lesions = lesion_measures(prepared, grid)
    except Exception as error:  # one case never ends the report on the others
        what = error if isinstance(error, UadError) else f"{type(error).__name__}: {error}"
        warnings.append(f"the source files cannot be read: {what}")
    name, where = reference_tissue(prepared.record, scan)
    after = {
        m: intensity_levels(image, scan.brain_mask, where)
        for m, image in zip(scan.modalities, scan.image, strict=True)
    }
    medians = {f"{name} median {modality}": level[1] for modality, level in after.items()}
    compared = brain_measures(prepared.record, scan.brain_mask, grid)
    compared |= registration_measures(prepared.record) | medians
    label = "healthy" if case.healthy else (case.lesion_kind or "lesion")
    unique = tuple(dict.fromkeys([*warnings, *lesion_warnings(lesions)]))
    return CaseReport(prepared, CaseFacts(case.case_id, label, unique, compared, lesions), before, after)


def recorded_warnings(record: Mapping[str, Any]) -> list[str]:
    """What is read otherwise than a user may expect, and the warnings of the preparation steps."""
    sources = record.get("sources", {}).items()
    read = [f"{role}: {note}" for role, source in sources for note in source.get("notes", ())]
    read += map(str, record.get("notes", ()))
    return read + [str(text) for step in record["steps"] for text in step["figures"].get("warnings", ())]


def recorded(record: Mapping[str, Any], step: str) -> dict[str, Any]:
    """The measures recorded by the first step of this name, empty without such a step."""
    found = (dict(entry["figures"]) for entry in record["steps"] if entry["step"] == step)
    return next(found, {})


def registration_measures(record: Mapping[str, Any]) -> dict[str, float]:
    """Measures of the registration to the atlas, as recorded by the step `register`; empty without it."""
    figures = recorded(record, "register")
    found = {name: float(figures[key]) for key, name in REGISTRATION.items() if key in figures}
    scales = figures.get("scales")
    return found | ({"scale least": float(min(scales)), "scale most": float(max(scales))} if scales else {})


def brain_measures(record: Mapping[str, Any], brain_mask: BoolArray, grid: Grid) -> dict[str, float]:
    """Volume of the prepared brain in the space of its source file, and its share of the brain mask there."""
    after = float(brain_mask.sum()) * grid.voxel_ml
    before = float(recorded(record, "brain_mask").get("ml", 0))
    return {"brain, ml": after} | ({"brain kept, %": 100 * after / before} if before else {})


def lesion_measures(prepared: PreparedCase, grid: Grid) -> dict[str, float]:
    """Lesion volume in the source file and as prepared, in the space of the file; numbers of lesions and of those left.

    The source file is read again, independently of the record. A lesion (26-connected) is left where one of its voxels
    is in the prepared mask. Raises as `read_mask`.
    """
    case, after = prepared.case, lesion_mask(prepared)
    if case.lesion_mask is None or after is None:
        return {}
    first = read_grid(case.images[prepared.record["modalities"][0]], case.case_id, case.orientation)
    home = mask_grid(case.lesion_mask, case, first)
    mask = read_lesions(case.lesion_mask, case, home)
    labels, lesions = components(mask)
    there = target_voxels(np.argwhere(labels), mask.grid, grid)
    kept = (there >= 0).all(axis=1) & after[tuple(there.T)]
    return {
        "lesion in file, ml": float(mask.array.sum()) * mask.grid.voxel_ml,
        "lesion prepared, ml": float(after.sum()) * grid.voxel_ml,
        "lesions": lesions,
        "lesions left": len(np.unique(labels[labels > 0][kept])),
    }


def lesion_mask(prepared: PreparedCase) -> BoolArray | None:
    """The prepared lesion mask (X, Y, Z), None for a case without one."""
    return None if prepared.case.lesion_mask is None else prepared.truth().lesion_mask


def lesion_warnings(measures: Mapping[str, float]) -> list[str]:
    """Warnings of lost lesions and of a changed lesion volume."""
    if not measures:
        return []
    before, after = measures["lesion in file, ml"], measures["lesion prepared, ml"]
    lesions, left = measures["lesions"], measures["lesions left"]
    lost = [f"{lesions - left:.0f} of {lesions:.0f} lesions have no voxel left"] if left < lesions else []
    changed = before > MIN_ML and abs(after / before - 1) > MAX_CHANGE
    return lost + ([f"lesion volume {before:.2f} ml in the file, {after:.2f} ml prepared"] if changed else [])


def file_histogram(prepared: PreparedCase, modality: str, brain_mask: BoolArray, grid: Grid) -> Histogram:
    """Intensities of the source file inside the prepared brain, at up to 20,000 voxels. Raises as `read_volume`."""
    case = prepared.case
    image = read_volume(case.images[modality], case.case_id, case.orientation)
    voxels = np.argwhere(brain_mask)
    there = target_voxels(voxels[:: max(1, len(voxels) // MAX_VOXELS)], grid, image.grid)
    values = image.array[tuple(there[(there >= 0).all(axis=1)].T)]
    low, high = (float(v) for v in np.nanpercentile(values, [0.1, 99.9])) if values.size else (0.0, 1.0)
    return Histogram.of(values, low, max(high, low + 1e-6))


def intensity_levels(
    image: FloatArray, brain_mask: BoolArray, where: BoolArray
) -> tuple[float, float, float]:
    """0.5th percentile in the brain mask, median in `where`, 99.5th percentile in the brain mask."""
    low, high = np.percentile(image[brain_mask], [0.5, 99.5])
    return float(low), float(np.median(image[where])), float(high)


def reference_tissue(record: Mapping[str, Any], scan: Scan) -> tuple[str, BoolArray]:
    """Name and mask of the tissue that medians are taken of: white matter of the atlas, or else the brain.

    White matter is the brightest quarter of the T1-weighted atlas; it needs a case that is registered to the atlas.
    """
    atlas = atlas_masks(record, scan)
    white = atlas[1] & scan.brain_mask if atlas else scan.brain_mask
    return ("WM", white) if atlas and white.any() else ("brain", scan.brain_mask)


def atlas_masks(record: Mapping[str, Any], scan: Scan) -> tuple[BoolArray, BoolArray] | None:
    """Brain mask and white matter of the atlas (X, Y, Z) on the grid of the scan; None without registration."""
    name = next((str(step["atlas"]) for step in record["steps"] if step["step"] == "register"), "")
    return _atlas_masks(name, scan.shape, scan.affine.tobytes()) if name else None


@lru_cache(maxsize=4)
def _atlas_masks(name: str, shape: tuple[int, int, int], affine: bytes) -> tuple[BoolArray, BoolArray]:
    from uad_bench.prepare.registration.atlas import load_atlas

    atlas, grid = load_atlas(name), Grid(shape, np.frombuffer(affine).reshape(4, 4))
    white = atlas.brain.array >= np.percentile(atlas.brain.array[atlas.mask.array], 75)
    inside = Volume(white & atlas.mask.array, atlas.brain.affine)
    return on_grid(atlas.mask, grid) >= 0.5, on_grid(inside, grid) >= 0.5
