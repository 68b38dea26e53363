"""From a prepared case back to its files, through the world coordinates in the record of the preparation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.resampling.grid import NUDGE, sample
from uad_bench.types import BoolArray, FloatArray

Indices = npt.NDArray[np.intp]


def prepared_grid(record: Mapping[str, Any], shape: tuple[int, int, int]) -> Grid:
    """The prepared grid (X, Y, Z) in the world coordinates of the files; sheared where the case was registered.

    record: that of the preparation, see `cache.entry`.
    """
    to_atlas = np.array(record.get("to_atlas", np.eye(4)), dtype=np.float64)
    affine = np.array(np.linalg.inv(to_atlas) @ record["affine"], dtype=np.float64)
    return Grid(shape, affine)


def to_native(
    values: FloatArray, region: BoolArray, prepared: Grid, native: Grid
) -> tuple[FloatArray, BoolArray]:
    """`values` (X, Y, Z) of the grid `prepared` on the grid `native`, 0 outside `region`, and the region there.

    Linear interpolation. A voxel belongs to the region where at least half of the interpolation weight does, and only
    values of the region contribute, so that they keep their size at its rim (normalised convolution, Knutsson and
    Westin 1993).
    """
    share = sample(region.astype(np.float32), prepared, native)
    total = sample(np.where(region, values, np.float32(0)), prepared, native)
    inside = share >= 0.5
    return np.divide(total, share, out=np.zeros_like(total), where=inside), inside


def target_voxels(indices: Indices, source: Grid, target: Grid) -> Indices:
    """The voxels (n, 3) of `target` that contain the centres of the voxels `indices` (n, 3) of `source`.

    -1 three times where there is none.
    """
    to_target = np.linalg.solve(target.affine, source.affine)
    found: Indices = np.floor(indices @ to_target[:3, :3].T + to_target[:3, 3] + 0.5 + NUDGE).astype(np.intp)
    found[((found < 0) | (found >= target.shape)).any(axis=1)] = -1
    return found
