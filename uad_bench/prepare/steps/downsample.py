"""Step `downsample`: every so many voxels become one, as Behrendt et al. (MIDL 2023) read a scan."""

from typing import Annotated, Literal

from pydantic import Field

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.resampling.interpolate import Interpolation, on_other_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.prepare.steps.isotropic import respaced


class Downsample(Step):
    """Voxels `factor` times as long, images by cubic B-splines at the new centres, masks by nearest neighbour.

    Nothing is averaged, so small lesions may vanish (which is told) and noise stays. Splines stay within the
    range of the image. A rest of the box that fills no voxel makes one more.
    """

    step: Literal["downsample"] = "downsample"
    factor: Annotated[int, Field(ge=2, le=16)] = 2
    interpolation: Interpolation = "bspline"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """Images and masks on the coarser grid; `lost` in its voxels."""
        return on_other_grid(case, self.grid, self.interpolation)

    def grid(self, grid: Grid) -> Grid:
        """The coarser grid of the same box."""
        return respaced(grid, (self.factor,) * 3, tuple(-(-n // self.factor) for n in grid.shape))
