"""From a prepared case back to the grid of the file it came from, by the world coordinates of its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from uad_bench.data.volumes import Grid
from uad_bench.prepare.grid import sample
from uad_bench.types import Affine, BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Way:
    """Where the voxels of a prepared case are in the world of its files.

    affine: (4, 4), from voxels of the prepared grid to mm in the world of the files; sheared where the case was
    registered. volume: of a piece of tissue in the files over that on the prepared grid.
    """

    affine: Affine
    volume: float

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Way":
        """The way back of a prepared case, from the record of its preparation."""
        to_atlas = np.array(record.get("to_atlas", np.eye(4)), dtype=np.float64)
        affine = np.array(np.linalg.inv(to_atlas) @ record["affine"], dtype=np.float64)
        return cls(affine, float(1 / abs(np.linalg.det(to_atlas[:3, :3]))))

    def back(self, values: FloatArray, region: BoolArray, native: Grid) -> tuple[FloatArray, BoolArray]:
        """`values` (X, Y, Z) on the grid `native`, 0 outside `region`, and the region there.

        Linear. A voxel is of the region where half of what it is interpolated from is, and only values of the
        region take part: its rim keeps its height (normalised convolution, Knutsson and Westin 1993).
        """
        x, y, z = region.shape
        prepared = Grid((x, y, z), self.affine)
        share = sample(region.astype(np.float32), prepared, native)
        total = sample(np.where(region, values, np.float32(0)), prepared, native)
        there = share >= 0.5
        return np.divide(total, share, out=np.zeros_like(total), where=there), there
