"""Step `crop_or_pad`: a box of fixed size around the middle of the grid, as Behrendt et al. (MIDL 2023) crop it."""

import logging
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from uad_bench.data.nifti.read import Kind, Volume
from uad_bench.prepare.resampling.grid import same_grid, window
from uad_bench.prepare.step import CaseVolumes, Step

log = logging.getLogger(__name__)

Voxels = Annotated[int, Field(ge=4, le=1024)]
Index = tuple[int, int, int]


class CropOrPad(Step):
    """Crops all volumes to the middle `shape` voxels of the grid, or pads them with zeros; affines follow.

    Of an odd number of voxels to remove or to add, the larger half is at the low end.

    Parameters
        shape: voxels (X, Y, Z) of the result.

    Records `first_voxel` (index of the box in the grid, may be negative), `brain_kept` (share of the brain's voxels
    inside the box) and `lesion_voxels_lost`, the number of lesion voxels outside. These are also added to `lost`, so
    that they count as missed.

    Raises DataError where no brain is left (UB331) or where the volumes are on several grids (UB328).

    Source: Behrendt et al. (MIDL 2023), published code; cropping and padding around the middle as in TorchIO.

    >>> from uad_bench.prepare.example import example_case
    >>> after = CropOrPad(shape=(24, 32, 12)).apply(example_case())
    >>> after.images["t2"].array.shape, after.figures["first_voxel"], after.figures["brain_kept"]
    ((24, 32, 12), [0, -4, 6], 0.7916)
    """

    step: Literal["crop_or_pad"] = "crop_or_pad"
    shape: tuple[Voxels, Voxels, Voxels]

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case in the box."""
        surplus = [have - want for have, want in zip(case.brain().array.shape, self.shape, strict=True)]
        start = tuple((abs(n) + 1) // 2 * int(np.sign(n)) for n in surplus)
        return crop_case(case, (start[0], start[1], start[2]), self.shape)


def crop_case(case: CaseVolumes, start: Index, shape: Index) -> CaseVolumes:
    """The case in a box of its grid: `shape` voxels from `start` on, which may lie outside.

    Lesion voxels outside the box are added to `lost`. Raises as `CropOrPad`.
    """
    brain, volumes = case.brain(), [*case.images.values(), case.lesion_mask, case.ignored]
    if not all(same_grid(volume.grid, brain.grid) for volume in volumes if volume):
        hint = "bring them to one grid by an earlier step"
        raise case.error("the volumes of the case do not share a grid", hint, "UB328")
    cropped = case.transformed(lambda v: crop_volume(v, start, shape), lambda v: crop_volume(v, start, shape))
    before, after = int(brain.array.sum()), int(cropped.brain().array.sum())
    if not after:
        raise case.error("the box contains no brain", "check the shape of the box", "UB331")
    lost = _lesion_voxels(case) - _lesion_voxels(cropped)
    figures = {
        "first_voxel": list(start),
        "brain_kept": round(after / before, 4),
        "lesion_voxels_lost": lost,
    }
    if lost:
        log.warning("%s: %d lesion voxels lie outside the box", case.case_id, lost)
        figures["warnings"] = [f"{lost} lesion voxels lie outside the box"]
    return replace(cropped, lost=case.lost + lost, figures=figures)


def crop_volume(volume: Volume[Kind], start: Index, shape: Index) -> Volume[Kind]:
    """The voxels of a box of the volume's grid, 0 beyond the volume; world coordinates do not change."""
    array = np.zeros(shape, dtype=volume.array.dtype)
    source = tuple(slice(max(0, s), max(0, s + n)) for s, n in zip(start, shape, strict=True))
    part = volume.array[source]
    target = tuple(slice(max(0, -s), max(0, -s) + n) for s, n in zip(start, part.shape, strict=True))
    array[target] = part
    return Volume(array, window(volume.grid, start, shape).affine)


def _lesion_voxels(case: CaseVolumes) -> int:
    return int(case.lesion_mask.array.sum()) if case.lesion_mask else 0
