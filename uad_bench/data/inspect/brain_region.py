"""Where the brain is, as far as that is known before any preparation: its mask, or the data of a stripped scan."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from uad_bench.data.nifti.read import TOLERANCE, Grid, Image, Mask, Volume, offset_voxels
from uad_bench.types import BoolArray


@dataclass(eq=False)
class Region:
    """The brain of a case. drawn: `mask` is a file's; else it marks non-zero voxels, holes not filled yet."""

    mask: Mask
    drawn: bool

    @property
    def share(self) -> float:
        """The part of the box that the brain fills, 0 to 1."""
        return float(self.mask.array.mean())

    @property
    def ml(self) -> float:
        """The volume of the brain, ml."""
        return float(self.mask.array.sum()) * self.mask.grid.voxel_ml

    def outside(self, marked: BoolArray, grid: Grid) -> int:
        """How many of the marked voxels (X, Y, Z) of `grid` lie outside the brain.

        Holes are filled for this only where the plain mask leaves some voxel outside: it takes longer than all
        the rest of a check.
        """
        count = _outside(marked, grid, self.mask)
        return count if self.drawn or not count else _outside(marked, grid, self._filled)

    @cached_property
    def _filled(self) -> Mask:
        from scipy import ndimage

        return Volume(ndimage.binary_fill_holes(self.mask.array), self.mask.affine)


def from_data(image: Image) -> Region:
    """The brain of a scan that holds the brain alone: its voxels with data, as the step `brain_mask` counts."""
    return Region(Volume(image.array != 0, image.affine), drawn=False)


def _outside(marked: BoolArray, grid: Grid, mask: Mask) -> int:
    if offset_voxels(grid, mask.grid) <= TOLERANCE:
        return int((marked & ~mask.array).sum())
    places = np.argwhere(marked)
    across = np.linalg.solve(mask.affine, grid.affine)
    there = np.rint(places @ across[:3, :3].T + across[:3, 3]).astype(np.intp)
    within = ((there >= 0) & (there < mask.array.shape)).all(axis=1)
    return len(places) - int(mask.array[tuple(there[within].T)].sum())
