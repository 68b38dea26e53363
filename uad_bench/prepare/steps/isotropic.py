"""Step `isotropic`: cubic voxels along each volume's own axes, the first step of Behrendt et al. (MIDL 2023)."""

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
    """Resamples every volume to cubic voxels along its own axes: images by interpolation, masks by nearest neighbour.

    The box of a volume begins at the same corner and has the same length, to half a voxel. Splines are clipped to the
    range of the image, and background that is 0 stays 0: in a skull-stripped scan, the step `brain_mask` finds the
    brain by it.

    Parameters
        spacing: voxel size, mm.
        interpolation: "bspline" (cubic) or "linear".

    Records the lesion voxels and lesions that are left, lost or vanished (see `ResampledLesions`).

    Source: Behrendt et al. (MIDL 2023), published code: 1 mm, B-splines.

    >>> from uad_bench.prepare.example import example_case
    >>> after = Isotropic(spacing=1.5).apply(example_case())
    >>> after.images["t2"].array.shape, after.images["t2"].grid.spacing
    ((16, 16, 16), (1.5, 1.5, 1.5))
    """

    step: Literal["isotropic"] = "isotropic"
    spacing: Annotated[float, Field(gt=0.1, le=20)] = 1.0
    interpolation: Interpolation = "bspline"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with every volume on an isotropic grid of its own."""
        moved = on_other_grid(case, self.grid, self.interpolation)
        images = {name: with_background(case.images[name], image) for name, image in moved.images.items()}
        return replace(moved, images=images)

    def grid(self, grid: Grid) -> Grid:
        """The isotropic grid of the same box."""
        ratio = [self.spacing / size for size in grid.spacing]
        shape = tuple(max(1, round(n / r)) for n, r in zip(grid.shape, ratio, strict=True))
        return with_voxel_ratio(grid, ratio, shape)


def with_background(before: Image, after: Image) -> Image:
    """`after` with 0 where the nearest voxel of `before` is 0: splines oscillate far into an empty background."""
    empty = interpolate(before.array == 0, before.grid, after.grid, 0)
    return Volume(np.where(empty, np.float32(0), after.array), after.affine)


def with_voxel_ratio(grid: Grid, ratio: Sequence[float], shape: tuple[int, ...]) -> Grid:
    """A grid of `shape` from the same corner, with voxels `ratio` times as long along each axis."""
    affine = grid.affine @ np.diag([*ratio, 1.0])
    # From the centre of the old corner voxel to that of the new one.
    return window(Grid(grid.shape, affine), [(1 - 1 / r) / 2 for r in ratio], shape)
