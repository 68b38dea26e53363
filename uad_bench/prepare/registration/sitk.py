"""Volumes to SimpleITK and back, in their own frame, on one thread.

The own frame of a volume has its origin at voxel (0, 0, 0) and its axes along the array's: voxel (x, y, z) is at
spacing * (x, y, z) mm. SimpleITK cannot hold an affine with shear, as a registered volume has, so affines stay
outside; `frame_to_world` joins the two.
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
    """An image in its own frame, of the array (X, Y, Z); bool becomes uint8."""
    kind = np.uint8 if array.dtype == np.bool_ else array.dtype
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T, dtype=kind))
    image.SetSpacing(spacing)
    return image


def from_sitk(image: Any) -> npt.NDArray[Any]:
    """The array (X, Y, Z), C-contiguous."""
    return np.ascontiguousarray(sitk.GetArrayViewFromImage(image).T)


def frame_to_world(grid: Grid) -> Affine:
    """The affine (4, 4) from mm in the own frame of a grid to mm in its world."""
    affine: Affine = grid.affine @ np.diag([*(1 / size for size in grid.spacing), 1.0])
    return affine


@contextmanager
def one_thread() -> Iterator[None]:
    """SimpleITK on one thread: with two, a registration differs from run to run in its last digits."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
