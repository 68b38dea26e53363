"""Step `crop_or_pad`: a box of fixed size around the middle of the grid, as Behrendt et al. (MIDL 2023) cut it."""

import logging
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from uad_bench.data.nifti.read import Kind, Volume
from uad_bench.prepare.resampling.grid import same_grid, window
from uad_bench.prepare.step import Step, Working

log = logging.getLogger(__name__)

Voxels = Annotated[int, Field(ge=4, le=1024)]
Index = tuple[int, int, int]


class CropOrPad(Step):
    """The middle `shape` voxels (X, Y, Z) of the grid; zeros where the grid has fewer.

    Of an odd number of voxels to cut or to add, the larger half is at the low end. Brain and lesions outside
    the box are lost: the record says how much. Raises DataError where no brain is left (UB331) or where the
    volumes are on several grids (UB328).
    """

    step: Literal["crop_or_pad"] = "crop_or_pad"
    shape: tuple[Voxels, Voxels, Voxels]

    def apply(self, working: Working) -> Working:
        """All volumes in the box, the affine led along."""
        more = [have - want for have, want in zip(working.brain().array.shape, self.shape, strict=True)]
        start = tuple((abs(n) + 1) // 2 * int(np.sign(n)) for n in more)
        return boxed(working, (start[0], start[1], start[2]), self.shape)


def boxed(working: Working, start: Index, shape: Index) -> Working:
    """The case in a box of its grid: voxels from `start` on, which may lie outside, `shape` in number.

    Lesion voxels outside are added to `lost`. Raises as `CropOrPad`.
    """
    brain, volumes = working.brain(), [*working.images.values(), working.lesion_mask, working.ignored]
    if not all(same_grid(volume.grid, brain.grid) for volume in volumes if volume):
        hint = "bring them to one grid by a step before"
        raise working.fault("the volumes of the case do not share a grid", hint, "UB328")
    moved = working.everywhere(lambda v: box(v, start, shape), lambda v: box(v, start, shape))
    before, after = int(brain.array.sum()), int(moved.brain().array.sum())
    if not after:
        raise working.fault("the box holds no brain", "check the shape of the box", "UB331")
    outside = _outside(working, moved)
    figures = {
        "first_voxel": list(start),
        "brain_kept": round(after / before, 4),
        "lesion_voxels_lost": outside,
    }
    if outside:
        log.warning("%s: %d lesion voxels lie outside the box", working.case_id, outside)
        figures["warnings"] = [f"{outside} lesion voxels lie outside the box"]
    return replace(moved, lost=working.lost + outside, figures=figures)


def box(volume: Volume[Kind], start: Index, shape: Index) -> Volume[Kind]:
    """The voxels of a box of the volume's grid, 0 where it reaches beyond; every voxel keeps its place."""
    array = np.zeros(shape, dtype=volume.array.dtype)
    theirs = tuple(slice(max(0, s), max(0, s + n)) for s, n in zip(start, shape, strict=True))
    part = volume.array[theirs]
    ours = tuple(slice(max(0, -s), max(0, -s) + n) for s, n in zip(start, part.shape, strict=True))
    array[ours] = part
    return Volume(array, window(volume.grid, start, shape).affine)


def _outside(before: Working, after: Working) -> int:
    """Lesion voxels of `before` that `after` no longer has."""
    if before.lesion_mask is None or after.lesion_mask is None:
        return 0
    return int(before.lesion_mask.array.sum()) - int(after.lesion_mask.array.sum())
