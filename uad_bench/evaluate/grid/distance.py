"""Exact distances from voxels of a grid to the nearest of some points of the same grid, for many queries.

The squared distance is a sum over the axes, so it is found axis by axis: for every line along x that holds a point,
the nearest point of the line; for every plane that holds a point, the nearest point of the plane, which is tabulated;
for a query, the nearest over these planes. The table is made once and answers queries of any number; a search tree
takes longer, most of all for queries far away.

All arithmetic is in integers; results are identical to floating-point results where those are exact, as with voxel
sizes of 1, 2 or 1.5 mm. For other voxel sizes `GridDistances.of` returns None.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray

Indices = npt.NDArray[np.int64]
Squares = npt.NDArray[np.int32]

#: Voxel sizes are multiples of 1 / LARGEST_PART mm at the finest.
LARGEST_PART = 256


@dataclass(frozen=True, eq=False)
class GridDistances:
    """Squared distances to some points, within their planes: table[k, x, y] from (x, y, planes[k]).

    Distances are in units of 1 / `part` mm; low: the voxel (x, y) at which the table begins; weights: the squared voxel
    size along each axis. Build one with `of`.

    >>> points = GridDistances.of(np.array([[0, 0, 0], [2, 2, 0]]), np.ones((4, 4, 5), bool), (1.0, 1.0, 2.0))
    >>> points.to(np.array([[0, 0, 2], [3, 2, 0]]))
    array([4., 1.])
    """

    table: Squares
    planes: Indices
    low: tuple[int, int]
    weights: tuple[int, int, int]
    part: int

    @classmethod
    def of(
        cls, points: Indices, region: BoolArray, spacing: tuple[float, float, float]
    ) -> "GridDistances | None":
        """The distances to points (n, 3), n > 0, from the voxels of a region (X, Y, Z); spacing: voxel size in mm.

        None where floating-point distances would be rounded, or do not fit into 32 bits.
        """
        part = max(size.as_integer_ratio()[1] for size in spacing)
        sizes = [int(size * part) for size in spacing]
        if part > LARGEST_PART or sum((n * k) ** 2 for n, k in zip(region.shape, sizes, strict=True)) >> 30:
            return None
        weights = sizes[0] ** 2, sizes[1] ** 2, sizes[2] ** 2
        x, y = (np.flatnonzero(region.any(axis=axes)) for axes in ((1, 2), (0, 2)))
        low, high = (int(x[0]), int(y[0])), (int(x[-1]) + 1, int(y[-1]) + 1)
        planes, plane = np.unique(points[:, 2], return_inverse=True)
        table = np.full((planes.size, high[0] - low[0], high[1] - low[1]), np.iinfo(np.int32).max, np.int32)
        rows, line = np.unique(plane * region.shape[1] + points[:, 1], return_inverse=True)
        along_x = (
            weights[0] * _to_nearest(points[:, 0], line, rows.size, region.shape[0])[:, low[0] : high[0]] ** 2
        )
        columns = np.arange(low[1], high[1], dtype=np.int32)
        for number, row in enumerate(rows):
            in_plane = table[row // region.shape[1]]
            across = weights[1] * (columns - np.int32(row % region.shape[1])) ** 2
            np.minimum(in_plane, along_x[number][:, np.newaxis] + across, out=in_plane)
        return cls(table, planes, low, weights, part)

    def to(self, voxels: Indices) -> npt.NDArray[np.float64]:
        """The distance in mm of each voxel of the region, (n, 3), to the nearest point, (n,)."""
        place = (voxels[:, 0] - self.low[0]) * self.table.shape[2] + voxels[:, 1] - self.low[1]
        height, best = voxels[:, 2].astype(np.int32), np.full(len(voxels), np.iinfo(np.int32).max, np.int32)
        for squares, plane in zip(self.table, self.planes, strict=True):
            across = np.int32(self.weights[2]) * (height - np.int32(plane)) ** 2
            np.minimum(best, squares.ravel()[place] + across, out=best)
        distances: npt.NDArray[np.float64] = np.sqrt(best / float(self.part**2))
        return distances


def _to_nearest(x: Indices, line: Indices, n_lines: int, n: int) -> Squares:
    """For each of some lines of n voxels, the distance of every voxel to the nearest point of the line, (lines, n)."""
    far = 2 * n
    columns = np.arange(n, dtype=np.int32)
    is_point = np.zeros((n_lines, n), bool)
    is_point[line, x] = True
    before = np.maximum.accumulate(np.where(is_point, columns, -far), axis=1)
    after = np.minimum.accumulate(np.where(is_point, columns, far + n)[:, ::-1], axis=1)[:, ::-1]
    nearest: Squares = np.minimum(columns - before, after - columns).astype(np.int32)
    return nearest
