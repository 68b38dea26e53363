"""Step `downsample`: a coarser grid by a whole factor, as Behrendt et al. (MIDL 2023) load a scan."""

from typing import Annotated, Literal

from pydantic import Field

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.resampling.interpolate import Interpolation, on_other_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.prepare.steps.isotropic import with_voxel_ratio


class Downsample(Step):
    """Makes voxels `factor` times as long: images are interpolated at the new centres, masks by nearest neighbour.

    Nothing is averaged, so that noise stays and small lesions may vanish, which is recorded. Splines are clipped to
    the range of the image. Where the factor does not divide the grid, one more voxel covers the rest.

    Parameters
        factor: new voxel size divided by the old one, along each axis.
        interpolation: "bspline" (cubic) or "linear".

    Records the lesion voxels and lesions that are left, lost or vanished (see `ResampledLesions`).

    Source: Behrendt et al. (MIDL 2023), published code: factor 2, B-splines, masks by nearest neighbour.

    >>> from uad_bench.prepare.example import example_case
    >>> after = Downsample(factor=2).apply(example_case())
    >>> after.images["t2"].array.shape, after.images["t2"].grid.spacing, after.figures["lesions"]
    ((12, 12, 12), (2.0, 2.0, 2.0), 1)
    """

    step: Literal["downsample"] = "downsample"
    factor: Annotated[int, Field(ge=2, le=16)] = 2
    interpolation: Interpolation = "bspline"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case on the coarser grid, `lost` in voxels of that grid."""
        return on_other_grid(case, self.grid, self.interpolation)

    def grid(self, grid: Grid) -> Grid:
        """The coarser grid of the same box."""
        return with_voxel_ratio(grid, (self.factor,) * 3, tuple(-(-n // self.factor) for n in grid.shape))
