"""The brain before any preparation: the case's brain mask, or the voxels with data of a skull-stripped scan."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

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


def _outside(marked: BoolArray, grid: Grid, mask: Mask) -> int:
    if offset_voxels(grid, mask.grid) <= TOLERANCE:
        return int((marked & ~mask.array).sum())
    indices = np.argwhere(marked)
    to_mask = np.linalg.solve(mask.affine, grid.affine)
    in_mask = np.rint(indices @ to_mask[:3, :3].T + to_mask[:3, 3]).astype(np.intp)
    within = ((in_mask >= 0) & (in_mask < mask.array.shape)).all(axis=1)
    return len(indices) - int(mask.array[tuple(in_mask[within].T)].sum())
