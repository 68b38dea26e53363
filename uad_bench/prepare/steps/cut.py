"""Step `cut`: crop to the bounding box of the brain, as Behrendt et al. (MIDL 2023) do after registration."""

from typing import Literal

from scipy import ndimage

from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.prepare.steps.crop_or_pad import crop_case


class Cut(Step):
    """Crops all volumes to the smallest box of the grid that contains the brain mask; affines follow.

    Records `first_voxel` (index of the box in the grid), `brain_kept` (1) and `lesion_voxels_lost`, the number of
    lesion voxels outside the box. These are also added to `lost`, so that they count as missed.

    Raises DataError where the volumes are on several grids (UB328).

    Source: Behrendt et al. (MIDL 2023), published code. There, the last plane of the box is lost on each axis and the
    affine is not updated; here neither is the case.

    >>> from uad_bench.prepare.example import example_case
    >>> after = Cut().apply(example_case())
    >>> after.images["t2"].array.shape, after.figures["first_voxel"], after.figures["brain_kept"]
    ((21, 21, 21), [2, 2, 2], 1.0)
    """

    step: Literal["cut"] = "cut"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case in the bounding box of its brain."""
        x, y, z = ndimage.find_objects(case.brain().array.astype("uint8"))[0]
        start, stop = (x.start, y.start, z.start), (x.stop, y.stop, z.stop)
        return crop_case(case, start, (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]))
