"""Step `isotropic`: cubic voxels along each volume's own axes, as Behrendt et al. (MIDL 2023) begin."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from uad_bench.data.nifti.read import Grid, Image, Volume
from uad_bench.prepare.resampling.grid import interpolate, window
from uad_bench.prepare.resampling.interpolate import Interpolation, on_other_grid
from uad_bench.prepare.step import CaseVolumes, Step


class Isotropic(Step):
    """Every volume at `spacing` mm along its own axes, images by cubic B-splines, masks by nearest neighbour.

    The box of a volume begins at the same corner and is as long as before, to half a voxel. Splines stay
    within the range of the file, and what is 0 there stays 0: the background of a stripped scan tells the
    step `brain_mask` where the brain ends.
    """

    step: Literal["isotropic"] = "isotropic"
    spacing: Annotated[float, Field(gt=0.1, le=20)] = 1.0
    interpolation: Interpolation = "bspline"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """Images and masks, each on the isotropic grid of its own."""
        moved = on_other_grid(case, self.grid, self.interpolation)
        images = {name: background_kept(case.images[name], image) for name, image in moved.images.items()}
        return replace(moved, images=images)

    def grid(self, grid: Grid) -> Grid:
        """The isotropic grid of the same box."""
        ratio = [self.spacing / size for size in grid.spacing]
        shape = tuple(max(1, round(n / r)) for n, r in zip(grid.shape, ratio, strict=True))
        return respaced(grid, ratio, shape)


def background_kept(before: Image, after: Image) -> Image:
    """`after` with 0 where the nearest voxel of `before` is 0: splines ring far into an empty background."""
    empty = interpolate(before.array == 0, before.grid, after.grid, 0)
    return Volume(np.where(empty, np.float32(0), after.array), after.affine)


def respaced(grid: Grid, ratio: Sequence[float], shape: tuple[int, ...]) -> Grid:
    """A grid of `shape` that begins at the same corner, with voxels `ratio` times as long along each axis."""
    affine = grid.affine @ np.diag([*ratio, 1.0])
    # From the centre of the old corner voxel to that of the new one.
    return window(Grid(grid.shape, affine), [(1 - 1 / r) / 2 for r in ratio], shape)
