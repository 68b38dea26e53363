"""One look at a prepared case beside the files it came from: figures, warnings, histograms. No voxel is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from uad_bench.data.nifti.mask_grid import mask_grid
from uad_bench.data.nifti.read import Grid, Volume, read_grid, read_mask, read_volume
from uad_bench.data_report.outliers import Facts
from uad_bench.data_report.sheets import Histogram
from uad_bench.errors import UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.resampling.lesion_mask import components
from uad_bench.prepare.to_native import in_files, landing
from uad_bench.types import BoolArray, FloatArray, Scan

#: Brain voxels that a histogram of the file is made of.
MOST_VOXELS = 20_000
#: What the figures of `prepare.quality` are called on the page.
REGISTRATION = {
    "dice": "Dice to atlas",
    "mi_over_best": "MI over best",
    "mi_over_mean": "MI over mean",
    "rotation_degrees": "rotation, degrees",
    "determinant": "determinant",
    "outside_atlas": "outside",
}
#: Lesions of more than this volume keep it within this share.
LEAST_ML, MOST_CHANGE = 1.0, 0.03


@dataclass(frozen=True)
class Look:
    """What one look tells. Small, so that thousands fit in memory.

    before: by modality, intensities of the file in the brain, none where it cannot be read; after: as prepared,
    the 0.5 percentile in the brain, the median of the tissue that `tissue` names, the 99.5 percentile.
    """

    ready: PreparedCase
    facts: Facts
    before: Mapping[str, Histogram]
    after: Mapping[str, tuple[float, float, float]]


def look(ready: PreparedCase) -> Look:
    """Read a case and its files once. A file that cannot be read any more is a warning."""
    scan, case = ready.scan(), ready.case
    grid = in_files(ready.record, scan.shape)
    before: dict[str, Histogram] = {}
    lesions: dict[str, float] = {}
    warnings = recorded_warnings(ready.record)
    try:
        before = {name: in_file(ready, name, scan.brain_mask, grid) for name in scan.modalities}
        lesions = lesion_figures(ready, grid)
    except Exception as error:  # one case never ends the report on the others
        what = error if isinstance(error, UadError) else f"{type(error).__name__}: {error}"
        warnings.append(f"the files cannot be looked at: {what}")
    name, where = tissue(ready.record, scan)
    after = {
        m: levels(image, scan.brain_mask, where) for m, image in zip(scan.modalities, scan.image, strict=True)
    }
    medians = {f"{name} median {modality}": level[1] for modality, level in after.items()}
    measured = (
        brain_figures(ready.record, scan.brain_mask, grid) | registration_figures(ready.record) | medians
    )
    label = "healthy" if case.healthy else (case.lesion_kind or "lesion")
    told = tuple(dict.fromkeys([*warnings, *lesion_warnings(lesions)]))
    return Look(ready, Facts(case.case_id, label, told, measured, lesions), before, after)


def recorded_warnings(record: Mapping[str, Any]) -> list[str]:
    """What the files' headers say otherwise than expected, and what the steps of the preparation warned of."""
    sources = record.get("sources", {}).items()
    read = [f"{role}: {note}" for role, source in sources for note in source.get("notes", ())]
    return read + [str(text) for step in record["steps"] for text in step["figures"].get("warnings", ())]


def recorded(record: Mapping[str, Any], step: str) -> dict[str, Any]:
    """The figures of the first step of this name, empty where there is none."""
    found = (dict(entry["figures"]) for entry in record["steps"] if entry["step"] == step)
    return next(found, {})


def registration_figures(record: Mapping[str, Any]) -> dict[str, float]:
    """How well the case fits the atlas, as the step `register` recorded it; empty without it."""
    figures = recorded(record, "register")
    found = {name: float(figures[key]) for key, name in REGISTRATION.items() if key in figures}
    scales = figures.get("scales")
    return found | ({"scale least": float(min(scales)), "scale most": float(max(scales))} if scales else {})


def brain_figures(record: Mapping[str, Any], brain_mask: BoolArray, grid: Grid) -> dict[str, float]:
    """The prepared brain's volume in the world of its file, and its share of the brain mask there."""
    after = float(brain_mask.sum()) * grid.voxel_ml
    before = float(recorded(record, "brain_mask").get("ml", 0))
    return {"brain, ml": after} | ({"brain kept, %": 100 * after / before} if before else {})


def lesion_figures(ready: PreparedCase, grid: Grid) -> dict[str, float]:
    """Lesion volume in the file and as prepared, both in the world of the file; lesions, and those that are left.

    Nothing is taken from the record: the mask's file is read again, and a lesion (26 neighbours) is left where
    one of its voxels lands in the prepared mask. Raises what `read_mask` raises.
    """
    case, prepared = ready.case, lesion_mask(ready)
    if case.lesion_mask is None or prepared is None:
        return {}
    first = read_grid(case.images[ready.record["modalities"][0]], case.case_id, case.orientation)
    home = mask_grid(case.lesion_mask, case, first)
    labels_and_cut = case.lesion_labels, case.mask_threshold
    mask = read_mask(case.lesion_mask, case.case_id, home, *labels_and_cut, case.orientation)
    labels, lesions = components(mask)
    there = landing(np.argwhere(labels), mask.grid, grid)
    met = (there >= 0).all(axis=1) & prepared[tuple(there.T)]
    return {
        "lesion in file, ml": float(mask.array.sum()) * mask.grid.voxel_ml,
        "lesion prepared, ml": float(prepared.sum()) * grid.voxel_ml,
        "lesions": lesions,
        "lesions left": len(np.unique(labels[labels > 0][met])),
    }


def lesion_mask(ready: PreparedCase) -> BoolArray | None:
    """The prepared lesion mask (X, Y, Z), None for a case without one."""
    return None if ready.case.lesion_mask is None else ready.truth().lesion_mask


def lesion_warnings(figures: Mapping[str, float]) -> list[str]:
    """A lesion that is gone, or a volume that did not hold."""
    if not figures:
        return []
    before, after = figures["lesion in file, ml"], figures["lesion prepared, ml"]
    lesions, left = figures["lesions"], figures["lesions left"]
    gone = [f"{lesions - left:.0f} of {lesions:.0f} lesions have no voxel left"] if left < lesions else []
    moved = before > LEAST_ML and abs(after / before - 1) > MOST_CHANGE
    return gone + ([f"lesion volume {before:.2f} ml in the file, {after:.2f} ml prepared"] if moved else [])


def in_file(ready: PreparedCase, modality: str, brain_mask: BoolArray, grid: Grid) -> Histogram:
    """Intensities of the file where the prepared brain is, at up to 20,000 places. Raises as `read_volume`."""
    case = ready.case
    image = read_volume(case.images[modality], case.case_id, case.orientation)
    places = np.argwhere(brain_mask)
    there = landing(places[:: max(1, len(places) // MOST_VOXELS)], grid, image.grid)
    values = image.array[tuple(there[(there >= 0).all(axis=1)].T)]
    low, high = (float(v) for v in np.nanpercentile(values, [0.1, 99.9])) if values.size else (0.0, 1.0)
    return Histogram.of(values, low, max(high, low + 1e-6))


def levels(image: FloatArray, brain_mask: BoolArray, where: BoolArray) -> tuple[float, float, float]:
    """See `Look.after`."""
    low, high = np.percentile(image[brain_mask], [0.5, 99.5])
    return float(low), float(np.median(image[where])), float(high)


def tissue(record: Mapping[str, Any], scan: Scan) -> tuple[str, BoolArray]:
    """What medians are taken of: white matter by the atlas where the case was registered, else the brain.

    White matter is the brightest quarter of the atlas, which is T1-weighted.
    """
    atlas = atlas_on(record, scan)
    white = atlas[1] & scan.brain_mask if atlas else scan.brain_mask
    return ("WM", white) if atlas and white.any() else ("brain", scan.brain_mask)


def atlas_on(record: Mapping[str, Any], scan: Scan) -> tuple[BoolArray, BoolArray] | None:
    """The atlas's brain mask and its white matter (X, Y, Z) on the scan's grid; None without registration."""
    name = next((str(step["atlas"]) for step in record["steps"] if step["step"] == "register"), "")
    return _atlas(name, scan.shape, scan.affine.tobytes()) if name else None


@lru_cache(maxsize=4)
def _atlas(name: str, shape: tuple[int, int, int], affine: bytes) -> tuple[BoolArray, BoolArray]:
    from uad_bench.prepare.registration.atlas import load_atlas

    atlas, grid = load_atlas(name), Grid(shape, np.frombuffer(affine).reshape(4, 4))
    white = atlas.brain.array >= np.percentile(atlas.brain.array[atlas.mask.array], 75)
    inside = Volume(white & atlas.mask.array, atlas.brain.affine)
    return on_grid(atlas.mask, grid) >= 0.5, on_grid(inside, grid) >= 0.5
