"""Volumes with their axes flipped and swapped to RAS+ order; nothing is interpolated."""

import numpy as np
from nibabel import orientations

from uad_bench.data.nifti.read import Kind, Volume


def canonical(volume: Volume[Kind]) -> Volume[Kind]:
    """The same voxels with their axes as close to RAS+ as flips and swaps allow."""
    turn = orientations.io_orientation(volume.affine)  # type: ignore[no-untyped-call]
    array = orientations.apply_orientation(volume.array, turn)  # type: ignore[no-untyped-call]
    back = orientations.inv_ornt_aff(turn, volume.array.shape)  # type: ignore[no-untyped-call]
    return Volume(np.ascontiguousarray(array), volume.affine @ back)
