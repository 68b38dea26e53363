"""Step `canonical`: every volume with its axes in the order right, front, up (RAS+)."""

from typing import Literal

import numpy as np
from nibabel import orientations

from uad_bench.data.nifti.read import Kind, Volume
from uad_bench.prepare.step import Step, Working


class Canonical(Step):
    """Axes flipped and swapped, never interpolated; the world coordinates of every voxel stay."""

    step: Literal["canonical"] = "canonical"

    def apply(self, working: Working) -> Working:
        """Image and masks alike."""
        axes = {name: image.grid.axes for name, image in working.images.items()}
        return working.everywhere(canonical, canonical, figures={"axes_before": axes})


def canonical(volume: Volume[Kind]) -> Volume[Kind]:
    """The same voxels with axes as near to RAS+ as flips and swaps can bring them."""
    turn = orientations.io_orientation(volume.affine)  # type: ignore[no-untyped-call]
    array = orientations.apply_orientation(volume.array, turn)  # type: ignore[no-untyped-call]
    back = orientations.inv_ornt_aff(turn, volume.array.shape)  # type: ignore[no-untyped-call]
    return Volume(np.ascontiguousarray(array), volume.affine @ back)
