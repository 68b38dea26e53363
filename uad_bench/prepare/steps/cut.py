"""Step `cut`: the box of the brain, as Behrendt et al. (MIDL 2023) cut it after registration."""

from typing import Literal

from scipy import ndimage

from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.prepare.steps.crop_or_pad import boxed


class Cut(Step):
    """The smallest box of the grid that holds the brain mask, its last planes included, the affine led along.

    Lesion voxels outside are lost, and counted. Raises DataError for volumes on several grids (UB328).
    """

    step: Literal["cut"] = "cut"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """All volumes in the brain's box."""
        x, y, z = ndimage.find_objects(case.brain().array.astype("uint8"))[0]
        start, stop = (x.start, y.start, z.start), (x.stop, y.stop, z.stop)
        return boxed(case, start, (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]))
