"""The brain before any preparation: the case's brain mask, or the voxels with data of a skull-stripped scan."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from uad_bench.data.nifti.orientation import TOLERANCE
from uad_bench.data.nifti.read import Grid, Image, Mask, Volume, offset_voxels
from uad_bench.types import BoolArray


@dataclass(eq=False)
class BrainRegion:
    """The brain of a case. from_file: `mask` is a brain mask's; else it marks non-zero voxels, holes not yet filled."""

    mask: Mask
    from_file: bool

    @property
    def share(self) -> float:
        """The share of its box that the brain fills, 0 to 1."""
        return float(self.mask.array.mean())

    @property
    def ml(self) -> float:
        """The volume of the brain, ml."""
        return float(self.mask.array.sum()) * self.mask.grid.voxel_ml

    def outside(self, marked: BoolArray, grid: Grid) -> int:
        """The number of marked voxels (X, Y, Z) of `grid` that lie outside the brain.

        Holes are filled only where the plain mask leaves a voxel outside: filling takes longer than all other checks.
        """
        count = _outside(marked, grid, self.mask)
        return count if self.from_file or not count else _outside(marked, grid, self._filled)

    @cached_property
    def _filled(self) -> Mask:
        from scipy import ndimage

        return Volume(ndimage.binary_fill_holes(self.mask.array), self.mask.affine)


def voxels_with_data(image: Image) -> BrainRegion:
    """The brain of a skull-stripped scan: its non-zero voxels, as in the step `brain_mask`."""
    return BrainRegion(Volume(image.array != 0, image.affine), from_file=False)


def lesions_outside(lesions: Mask, image: Grid) -> int:
    """The number of voxels of a mask that lie outside the box of an image."""
    if offset_voxels(lesions.grid, image) <= TOLERANCE:
        return 0
    places = _places(lesions.array, lesions.grid, image)
    return int(lesions.array.sum()) - len(places)


def _outside(marked: BoolArray, grid: Grid, mask: Mask) -> int:
    if offset_voxels(grid, mask.grid) <= TOLERANCE:
        return int((marked & ~mask.array).sum())
    places = _places(marked, grid, mask.grid)
    return int(marked.sum()) - int(mask.array[tuple(places.T)].sum())


def _places(marked: BoolArray, grid: Grid, other: Grid) -> npt.NDArray[np.intp]:
    """The indices (n, 3) in `other` of the marked voxels (X, Y, Z) of `grid`, without those outside its box."""
    to_other = np.linalg.solve(other.affine, grid.affine)
    found = np.rint(np.argwhere(marked) @ to_other[:3, :3].T + to_other[:3, 3]).astype(np.intp)
    within: npt.NDArray[np.intp] = found[((found >= 0) & (found < other.shape)).all(axis=1)]
    return within
