"""The voxel grids of version 5: 2 mm, as in version 4, and 1 mm, whose voxels divide those of 2 mm into eight."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_datasets.phantom.grid import COARSE_SPACING, ORIGIN, SHAPE, SPACING, Array


@dataclass(frozen=True)
class Lattice:
    """A grid over the same box as the grid of version 4. spacing: 1 or 2 mm."""

    spacing: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        x, y, z = (round(n * SPACING / self.spacing) for n in SHAPE)
        return x, y, z

    @property
    def first(self) -> float:
        """The position, in mm along each axis, of the first voxel: 0 at 2 mm."""
        return (self.spacing - SPACING) / 2

    def affine(self) -> npt.NDArray[np.float64]:
        """Voxel to MNI mm, (4, 4)."""
        matrix = np.diag([self.spacing, self.spacing, self.spacing, 1.0])
        matrix[:3, 3] = np.array(ORIGIN) + self.first
        return matrix

    def interior(self) -> npt.NDArray[np.bool_]:
        """The voxels more than 2 mm from the grid's faces, except the lower one, where the brain stem may end."""
        inside = np.zeros(self.shape, dtype=bool)
        margin = round(SPACING / self.spacing)
        inside[margin:-margin, margin:-margin, :-margin] = True
        return inside

    def positions(self, voxels: npt.NDArray[np.intp]) -> Array:
        """The positions, mm, of voxels given as flat indices, (3, voxels)."""
        indices = np.stack(np.unravel_index(voxels, self.shape)).astype(np.float32)
        return np.asarray(indices * np.float32(self.spacing) + np.float32(self.first))

    def fine(self, field: Array) -> Array:
        """A field on the coarse nodes at every voxel, (*shape), linear between nodes."""
        for axis, length in enumerate(self.shape):
            at = np.maximum((np.arange(length) * self.spacing + self.first) / COARSE_SPACING, 0)
            node = np.minimum(at.astype(np.intp), field.shape[axis] - 2)
            share = (at - node).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
            field = field.take(node, axis) * (1 - share) + field.take(node + 1, axis) * share
        return field
