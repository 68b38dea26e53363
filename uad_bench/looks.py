"""One look at a prepared case beside the files it came from: figures, warnings, histograms. No voxel is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.board.prepared_rank import Facts
from uad_bench.board.prepared_sheet import Histogram
from uad_bench.data.volumes import Grid, Mask, read_grid, read_mask, read_volume
from uad_bench.errors import DataError, UadError
from uad_bench.native import Way
from uad_bench.prepare.cache import PreparedCase
from uad_bench.prepare.grid import on_grid
from uad_bench.prepare.lesion import components
from uad_bench.types import Affine, BoolArray, FloatArray, Scan

#: Brain voxels that a histogram of the file is made of.
MOST_VOXELS = 20_000
#: Lesions above this volume keep it within this share.
LEAST_ML, MOST_CHANGE = 1.0, 0.03


@dataclass(frozen=True)
class Look:
    """What one look tells. Small, so that thousands fit in memory.

    before: by modality, intensities of the file in the brain, none where it cannot be read; after: the same as
    prepared, as the 0.5 percentile, the median of the white matter (or of the brain), the 99.5 percentile.
    """

    ready: PreparedCase
    facts: Facts
    before: Mapping[str, Histogram]
    after: Mapping[str, tuple[float, float, float]]


def look(ready: PreparedCase) -> Look:
    """Read a case and its files once. A file that cannot be read any more is a warning."""
    scan, way, case = ready.scan(), Way.of(ready.record), ready.case
    warnings = [str(text) for step in ready.record["steps"] for text in step["figures"].get("warnings", ())]
    before: dict[str, Histogram] = {}
    counted: dict[str, float] = {}
    try:
        before = {name: _in_file(ready, name, scan, way) for name in scan.modalities}
        counted = lesion_figures(ready, way)
    except UadError as error:
        warnings.append(f"compared with nothing: {error}")
    warnings += lesion_warnings(counted)
    tissue, where = _tissue(ready, scan)
    after = {name: _levels(image, scan.brain_mask, where) for name, image in _channels(scan)}
    medians = {f"{tissue} median {name}": level[1] for name, level in after.items()}
    measured = brain_figures(ready, way) | registration_figures(ready.record) | medians
    label = "healthy" if case.healthy else (case.lesion_kind or "lesion")
    return Look(ready, Facts(case.case_id, label, tuple(dict.fromkeys(warnings)), measured, counted), before, after)


def lesion_mask(ready: PreparedCase) -> BoolArray | None:
    """The prepared lesion mask (X, Y, Z), None where there is nothing to outline."""
    if ready.case.lesion_mask is None:
        return None
    return ready.truth().lesion_mask


def brain_figures(ready: PreparedCase, way: Way) -> dict[str, float]:
    """The volume of the prepared brain in the world of the file, and how much that is of the brain mask there."""
    scan = ready.scan()
    after = int(scan.brain_mask.sum()) * float(np.prod(scan.spacing)) / 1000 * way.volume
    before = next((s["figures"].get("ml") for s in ready.record["steps"] if s["step"] == "brain_mask"), None)
    return {"brain, ml": after} | ({"brain kept, %": 100 * after / before} if before else {})


def registration_figures(record: Mapping[str, Any]) -> dict[str, float]:
    """Every single number that the step `register` recorded, under its own name."""
    figures = next((s["figures"] for s in record["steps"] if s["step"] == "register"), {})
    numbers = {key: value for key, value in figures.items() if isinstance(value, int | float)}
    return {key.replace("_", " "): float(value) for key, value in numbers.items() if not isinstance(value, bool)}


def lesion_figures(ready: PreparedCase, way: Way) -> dict[str, float]:
    """Lesion volume in the file and as prepared, both in ml of the file's world; lesions, and those that are left.

    Nothing is taken from the record: the mask in the file is read again, and a lesion (26 neighbours) is left
    where one of its voxels lands in the prepared mask. Raises what `read_mask` raises.
    """
    case, prepared = ready.case, lesion_mask(ready)
    if case.lesion_mask is None or prepared is None:
        return {}
    first = read_grid(case.images[ready.record["modalities"][0]], case.case_id)
    mask = read_mask(case.lesion_mask, case.case_id, first, case.lesion_labels, case.mask_cut)
    labels, lesions = components(mask)
    there = landing(np.argwhere(labels), mask.grid, way.affine, prepared.shape)
    inside = (there >= 0).all(axis=1)
    met = labels[labels > 0][inside][prepared[tuple(there[inside].T)]]
    return {
        "lesion before, ml": float(mask.array.sum()) * mask.grid.voxel_ml,
        "lesion after, ml": float(prepared.sum()) * abs(float(np.linalg.det(way.affine[:3, :3]))) / 1000,
        "lesions": lesions,
        "lesions left": len(np.unique(met)),
    }
