"""Axes flipped and swapped, so that a volume is in RAS+ order; no voxel is interpolated."""

import numpy as np
from nibabel import orientations

from uad_bench.data.nifti.read import Kind, Volume


def canonical(volume: Volume[Kind]) -> Volume[Kind]:
    """The same voxels with axes as near to RAS+ as flips and swaps can bring them."""
    turn = orientations.io_orientation(volume.affine)  # type: ignore[no-untyped-call]
    array = orientations.apply_orientation(volume.array, turn)  # type: ignore[no-untyped-call]
    back = orientations.inv_ornt_aff(turn, volume.array.shape)  # type: ignore[no-untyped-call]
    return Volume(np.ascontiguousarray(array), volume.affine @ back)
