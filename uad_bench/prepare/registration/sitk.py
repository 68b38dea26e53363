"""Volumes to SimpleITK and back, in their voxel frame, on one thread.

The voxel frame of a volume has its origin at voxel (0, 0, 0) and its axes along those of the array: voxel (x, y, z) is
at spacing * (x, y, z) mm. SimpleITK has no affines with shear, as registered volumes have, so affines are not passed to
it; `frame_to_world` maps the voxel frame to the world.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # as its own documentation does

from uad_bench.data.nifti.read import Grid
from uad_bench.types import Affine


def to_sitk(array: npt.NDArray[Any], spacing: tuple[float, float, float]) -> Any:  # sitk.Image
    """The array (X, Y, Z) as an image in its voxel frame; bool becomes uint8."""
    kind = np.uint8 if array.dtype == np.bool_ else array.dtype
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T, dtype=kind))
    image.SetSpacing(spacing)
    return image


def from_sitk(image: Any) -> npt.NDArray[Any]:
    """The array (X, Y, Z), C-contiguous."""
    return np.ascontiguousarray(sitk.GetArrayViewFromImage(image).T)


def frame_to_world(grid: Grid) -> Affine:
    """The affine (4, 4) from the voxel frame of a grid, mm, to its world, mm."""
    affine: Affine = grid.affine @ np.diag([*(1 / size for size in grid.spacing), 1.0])
    return affine


@contextmanager
def one_thread() -> Iterator[None]:
    """SimpleITK on one thread: with two, the last digits of a registration differ from run to run."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
