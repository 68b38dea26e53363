"""The chain of preparation steps: from the files of a case to arrays on one grid, with a record of every step.

A protocol lists the steps; they are applied in its order, each to the result of the step before. The order of the
protocols `uad-2mm` and `uad-1mm`, and why:

1. `canonical` first: flips and swaps axes to RAS+, so that every later step finds the same axes.
2. `brain_mask` second: all steps below are confined to the brain, and a skull-stripping tool needs the head as scanned.
3. `n4` on native voxels: interpolation would mix voxels of unequal bias, and the steps below compare intensities.
4. `register`: one image is fitted to the atlas; only affines change, so that no voxel is interpolated yet.
5. `resample`: the only interpolation, from native voxels to the common grid.
6. `histogram` on the common grid: percentiles of scans with equal voxel sizes are comparable. It is fitted to the
   training scans of the run, prepared by steps 1 to 5.
7. `scale` last: the range [0, 1] that methods expect, whatever the steps before did.

The protocols that reproduce papers follow the order of the published code, which interpolates two or three times:
`canonical`, `isotropic`, `brain_mask`, `register`, `atlas_grid`, `cut`, `n4`, `curvature_flow`, `histogram` (in one of
them), `crop_or_pad`, `scale`, `downsample` (in the other). docs/protocols.md compares them step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.config import validated
from uad_bench.data.nifti.lesions import read_brain_mask, read_regions
from uad_bench.data.nifti.mask_grid import mask_grid
from uad_bench.data.nifti.read import Grid, Mask, Volume, read_volume
from uad_bench.data.nifti.validation import location, zero_nonfinite
from uad_bench.errors import DataError, UsageError, unknown_name
from uad_bench.prepare.resampling.grid import same_grid
from uad_bench.prepare.step import CaseVolumes, Step
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
class PreparedArrays:
    """A case after all steps, in memory: image float32 (C, X, Y, Z), masks bool (X, Y, Z), one RAS+ affine.

    lesion_mask: None where the case has no such file; ignored: None where every voxel is evaluated; lost: see
    `types.Truth`; to_atlas, notes: see `CaseVolumes`; record: each step with all its parameters and figures, JSON
    values.
    """

    image: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray | None
    affine: Affine
    lost: int
    record: list[dict[str, Any]]
    ignored: BoolArray | None = None
    to_atlas: Affine = field(default_factory=lambda: np.eye(4))
    notes: tuple[str, ...] = ()

    def volumes(self, case_id: str, modalities: Sequence[str]) -> CaseVolumes:
        """The case as a further step takes it."""
        masks = (self.brain_mask, self.lesion_mask, self.ignored)
        brain, lesions, ignored = (None if m is None else Volume(m, self.affine) for m in masks)
        images = {name: Volume(self.image[c], self.affine) for c, name in enumerate(modalities)}
        return CaseVolumes(
            case_id, images, brain, lesions, ignored, True, self.to_atlas, self.lost, notes=self.notes
        )


def parse_steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps of a protocol, validated. Raises UsageError for an unknown step, parameter or value.

    >>> parse_steps([{"step": "scale", "percentiles": [2, 98]}])
    (Scale(step='scale', percentiles=(2.0, 98.0), clip=True),)
    """
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
    case: Case,
    modalities: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    start: "PreparedArrays | None" = None,
) -> PreparedArrays:
    """Read the case and apply the steps in order; or continue from `start`, the case after all steps before these.

    Raises DataError for a missing modality (UB332), for volumes that end on different grids (UB328), and whatever
    the reader and the steps raise; UsageError for invalid steps.
    """
    volumes = start.volumes(case.case_id, modalities) if start else load(case, modalities)
    record = list(start.record) if start else []
    for step in parse_steps(steps):
        volumes = step.apply(volumes)
        record.append({**step.model_dump(mode="json"), "figures": dict(volumes.figures)})
    return _stacked(volumes, record)


def load(case: Case, modalities: Sequence[str]) -> CaseVolumes:
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
        like = mask_grid(case.lesion_mask, case, first)
        lesions, ignored = read_regions(case.lesion_mask, case, like, case.known_labels)
    brain = _brain_mask_file(case, first)
    notes = (*_notes(case.lesion_mask, lesions), *_notes(case.brain_mask, brain))
    return CaseVolumes(case.case_id, images, brain, lesions, ignored, case.stripped, notes=notes)


def _notes(path: Path | None, mask: Mask | None) -> tuple[str, ...]:
    return tuple(f"{path.name}: {note}" for note in mask.notes) if path and mask else ()


def _brain_mask_file(case: Case, first: Grid) -> Mask | None:
    """The brain mask of a case, None without a file. Raises DataError for an empty one (UB331)."""
    if case.brain_mask is None:
        return None
    like = mask_grid(case.brain_mask, case, first)
    mask = read_brain_mask(case.brain_mask, case, like)
    if not mask.array.any():
        where = location(case.case_id, case.brain_mask)
        raise DataError("the brain mask is empty", where=where, hint="make the mask again", code="UB331")
    return mask


def _stacked(case: CaseVolumes, record: list[dict[str, Any]]) -> PreparedArrays:
    """The arrays of a case, with what every method relies on: one grid, RAS+, background 0."""
    volumes = list(case.images.values())
    masks = (case.brain(), case.lesion_mask, case.ignored)
    grids = [volume.grid for volume in (*volumes, *masks) if volume]
    if not all(same_grid(grid, grids[0]) for grid in grids):
        raise case.error("the volumes of the case do not share a grid", "add the step 'resample'", "UB328")
    if volumes[0].grid.axes != "RAS":
        hint = "put the step 'canonical' first"
        raise UsageError(f"the axes are {volumes[0].grid.axes}, not RAS", where=case.case_id, hint=hint)
    brain = case.brain().array
    finite = [zero_nonfinite(volume.array, brain, case.case_id) for volume in volumes]
    image = np.stack([np.where(brain, array, np.float32(0)) for array in finite])
    lesions = case.lesion_mask.array if case.lesion_mask else None
    ignored = case.ignored.array if case.ignored else None
    affine, to_atlas = volumes[0].affine, case.to_atlas
    return PreparedArrays(image, brain, lesions, affine, case.lost, record, ignored, to_atlas, case.notes)
