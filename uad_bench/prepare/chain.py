"""A case through the preparation steps of a protocol: files in, one grid and a record out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uad_bench.config import validated
from uad_bench.data.checks import place, settle_nonfinite
from uad_bench.data.volumes import TOLERANCE, Grid, Mask, offset_voxels, read_grid, read_mask, read_volume
from uad_bench.errors import DataError, UsageError, unknown_name
from uad_bench.prepare.brain import BrainMask
from uad_bench.prepare.canonical import Canonical
from uad_bench.prepare.grid import same_grid
from uad_bench.prepare.intensity import Scale
from uad_bench.prepare.resample import Resample
from uad_bench.prepare.working import Step, Working
from uad_bench.types import Affine, BoolArray, Case, FloatArray

STEPS: dict[str, type[Step]] = {
    "canonical": Canonical,
    "brain_mask": BrainMask,
    "resample": Resample,
    "scale": Scale,
}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A case ready for every method: image float32 (C, X, Y, Z), masks bool (X, Y, Z), one RAS+ affine.

    lesion_mask is None where the case has no file for it; lost: see `types.Truth`; record: each step with all
    its parameters and figures, JSON-able.
    """

    image: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray | None
    affine: Affine
    lost: int
    record: list[dict[str, Any]]


def parse_steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps of a protocol, validated. Raises UsageError for an unknown step, parameter or value."""
    parsed = []
    for position, entry in enumerate(steps):
        name = str(entry.get("step", ""))
        if name not in STEPS:
            raise unknown_name("preparation step", name, STEPS)
        parsed.append(validated(STEPS[name], entry, f"prepare[{position}], step {name}"))
    return tuple(parsed)


def run_chain(case: Case, modalities: Sequence[str], steps: Sequence[Mapping[str, Any]]) -> Prepared:
    """Read the case and apply the steps in order.

    Raises DataError for a missing modality (UB332), for what the reader and the steps refuse, and for volumes
    that end on different grids; UsageError for steps that cannot be.
    """
    working, record = load(case, modalities), []
    for step in parse_steps(steps):
        working = step.apply(working)
        record.append({**step.model_dump(mode="json"), "figures": dict(working.figures)})
    return _finished(working, record)


def load(case: Case, modalities: Sequence[str]) -> Working:
    """The volumes of a case as they are on disk, each on its own grid."""
    missing = [name for name in modalities if name not in case.images]
    if missing:
        what = f"no {' and no '.join(missing)} image; the case has {', '.join(case.images) or 'none'}"
        raise DataError(
            what, where=case.case_id, hint="leave the case out or use another protocol", code="UB332"
        )
    images = {name: read_volume(case.images[name], case.case_id) for name in modalities}
    first = next(iter(images.values())).grid
    lesions = None
    if case.lesion_mask is not None:
        lesions = read_mask(case.lesion_mask, case.case_id, first, case.lesion_labels)
    return Working(case.case_id, images, _own_brain_mask(case, first), lesions)


def _own_brain_mask(case: Case, first: Grid) -> Mask | None:
    """The case's brain mask on the grid of whichever of its images it was drawn on, None without a file.

    A dataset may keep T1 and T2 on different grids, and a mask of either serves both by its world coordinates.
    """
    if case.brain_mask is None:
        return None
    own = read_grid(case.brain_mask, case.case_id)
    others = (read_grid(path, case.case_id) for path in case.images.values())
    home = next((grid for grid in (first, *others) if offset_voxels(own, grid) <= TOLERANCE), first)
    mask = read_mask(case.brain_mask, case.case_id, home)
    if not mask.array.any():
        where = place(case.case_id, case.brain_mask)
        raise DataError("the brain mask is empty", where=where, hint="make the mask again", code="UB331")
    return mask


def _finished(working: Working, record: list[dict[str, Any]]) -> Prepared:
    """One grid, RAS+, background 0: what every method may rely on."""
    volumes = list(working.images.values())
    grids = [volume.grid for volume in (*volumes, working.brain(), working.lesion_mask) if volume]
    if not all(same_grid(grid, grids[0]) for grid in grids):
        raise working.fault("the volumes of the case do not share a grid", "add the step 'resample'", "UB328")
    if volumes[0].grid.axes != "RAS":
        hint = "put the step 'canonical' first"
        raise UsageError(f"the axes are {volumes[0].grid.axes}, not RAS", where=working.case_id, hint=hint)
    brain = working.brain().array
    sound = [settle_nonfinite(volume.array, brain, working.case_id) for volume in volumes]
    image = np.stack([np.where(brain, array, np.float32(0)) for array in sound])
    lesions = working.lesion_mask.array if working.lesion_mask else None
    return Prepared(image, brain, lesions, volumes[0].affine, working.lost, record)
