"""A case through the preparation steps of a protocol: files in, one grid and a record out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from uad_bench.config import validated
from uad_bench.data.nifti.mask_grid import mask_grid
from uad_bench.data.nifti.read import Grid, Mask, Volume, read_mask, read_volume
from uad_bench.data.nifti.validation import location, zero_nonfinite
from uad_bench.errors import DataError, UsageError, unknown_name
from uad_bench.prepare.resampling.grid import same_grid
from uad_bench.prepare.step import Step, Working
from uad_bench.types import Affine, BoolArray, Case, FloatArray

#: The class of each step, in the module `steps.<name>`; loaded when a protocol names it, so that a protocol imports
#: the libraries of its own steps only.
STEPS = {
    "canonical": "Canonical",
    "brain_mask": "BrainMask",
    "n4": "N4",
    "register": "Register",
    "resample": "Resample",
    "histogram": "Histogram",
    "scale": "Scale",
    "isotropic": "Isotropic",
    "atlas_grid": "AtlasGrid",
    "cut": "Cut",
    "curvature_flow": "CurvatureFlow",
    "crop_or_pad": "CropOrPad",
    "downsample": "Downsample",
}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A case ready for every method: image float32 (C, X, Y, Z), masks bool (X, Y, Z), one RAS+ affine.

    lesion_mask is None where the case has no file for it, ignored where no voxel is to be; lost: see
    `types.Truth`; to_atlas: see `Working`; record: each step with all its parameters and figures, JSON-able.
    """

    image: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray | None
    affine: Affine
    lost: int
    record: list[dict[str, Any]]
    ignored: BoolArray | None = None
    to_atlas: Affine = field(default_factory=lambda: np.eye(4))

    def working(self, case_id: str, modalities: Sequence[str]) -> Working:
        """The case as the next step takes it."""
        masks = (self.brain_mask, self.lesion_mask, self.ignored)
        brain, lesions, ignored = (None if m is None else Volume(m, self.affine) for m in masks)
        images = {name: Volume(self.image[c], self.affine) for c, name in enumerate(modalities)}
        return Working(case_id, images, brain, lesions, ignored, True, self.to_atlas, self.lost)


def parse_steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps of a protocol, validated. Raises UsageError for an unknown step, parameter or value."""
    parsed = []
    for position, entry in enumerate(steps):
        name = str(entry.get("step", ""))
        if name not in STEPS:
            raise unknown_name("preparation step", name, STEPS)
        parsed.append(validated(step_class(name), entry, f"prepare[{position}], step {name}"))
    return tuple(parsed)


def step_class(name: str) -> type[Step]:
    """The class of a step."""
    found: type[Step] = getattr(import_module(f"uad_bench.prepare.steps.{name}"), STEPS[name])
    return found


def run_chain(
    case: Case, modalities: Sequence[str], steps: Sequence[Mapping[str, Any]], start: "Prepared | None" = None
) -> Prepared:
    """Read the case and apply the steps in order; or go on from `start`, the case after all steps before these.

    Raises DataError for a missing modality (UB332), for what the reader and the steps refuse, and for volumes
    that end on different grids; UsageError for steps that cannot be.
    """
    working = start.working(case.case_id, modalities) if start else load(case, modalities)
    record = list(start.record) if start else []
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
    images = {name: read_volume(case.images[name], case.case_id, case.orientation) for name in modalities}
    first = next(iter(images.values())).grid
    lesions = ignored = None
    if case.lesion_mask is not None:
        home = mask_grid(case.lesion_mask, case, first)
        reads = partial(read_mask, case.lesion_mask, case.case_id, home, orientation=case.orientation)
        lesions = reads(case.lesion_labels, case.mask_threshold)
        if case.ignored_labels:
            ignored = reads(case.ignored_labels)
    return Working(case.case_id, images, _own_brain_mask(case, first), lesions, ignored, case.stripped)


def _own_brain_mask(case: Case, first: Grid) -> Mask | None:
    """The case's brain mask, None without a file. Raises DataError for an empty one (UB331)."""
    if case.brain_mask is None:
        return None
    home = mask_grid(case.brain_mask, case, first)
    mask = read_mask(case.brain_mask, case.case_id, home, (), case.mask_threshold, case.orientation)
    if not mask.array.any():
        where = location(case.case_id, case.brain_mask)
        raise DataError("the brain mask is empty", where=where, hint="make the mask again", code="UB331")
    return mask


def _finished(working: Working, record: list[dict[str, Any]]) -> Prepared:
    """One grid, RAS+, background 0: what every method may rely on."""
    volumes = list(working.images.values())
    masks = (working.brain(), working.lesion_mask, working.ignored)
    grids = [volume.grid for volume in (*volumes, *masks) if volume]
    if not all(same_grid(grid, grids[0]) for grid in grids):
        raise working.fault("the volumes of the case do not share a grid", "add the step 'resample'", "UB328")
    if volumes[0].grid.axes != "RAS":
        hint = "put the step 'canonical' first"
        raise UsageError(f"the axes are {volumes[0].grid.axes}, not RAS", where=working.case_id, hint=hint)
    brain = working.brain().array
    sound = [zero_nonfinite(volume.array, brain, working.case_id) for volume in volumes]
    image = np.stack([np.where(brain, array, np.float32(0)) for array in sound])
    lesions = working.lesion_mask.array if working.lesion_mask else None
    ignored = working.ignored.array if working.ignored else None
    affine, moved = volumes[0].affine, working.to_atlas
    return Prepared(image, brain, lesions, affine, working.lost, record, ignored, moved)
