"""From a prepared case back to the files it came from, by the world coordinates of its record."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.resampling.grid import sample
from uad_bench.types import BoolArray, FloatArray

Places = npt.NDArray[np.intp]


def in_files(record: Mapping[str, Any], shape: tuple[int, int, int]) -> Grid:
    """The prepared grid (X, Y, Z) in the world of the files; sheared where the case was registered.

    record: that of the preparation, see `prepare.entry`.
    """
    to_atlas = np.array(record.get("to_atlas", np.eye(4)), dtype=np.float64)
    affine = np.array(np.linalg.inv(to_atlas) @ record["affine"], dtype=np.float64)
    return Grid(shape, affine)


def back(values: FloatArray, region: BoolArray, prepared: Grid, native: Grid) -> tuple[FloatArray, BoolArray]:
    """`values` (X, Y, Z) of the grid `prepared` on the grid `native`, 0 outside `region`, and the region there.

    Linear. A voxel is of the region where half of what it is interpolated from is, and only values of the
    region take part, so that its rim keeps its height (normalised convolution, Knutsson and Westin 1993).
    """
    share = sample(region.astype(np.float32), prepared, native)
    total = sample(np.where(region, values, np.float32(0)), prepared, native)
    there = share >= 0.5
    return np.divide(total, share, out=np.zeros_like(total), where=there), there


def landing(places: Places, source: Grid, target: Grid) -> Places:
    """The voxels (n, 3) of `target` that hold the centres of the voxels `places` (n, 3) of `source`.

    -1 three times where there is none.
    """
    across = np.linalg.solve(target.affine, source.affine)
    # Half a micrometre: a centre between two voxels goes one way, whatever the rounding of the header.
    there: Places = np.floor(places @ across[:3, :3].T + across[:3, 3] + 0.5 + 5e-7).astype(np.intp)
    there[((there < 0) | (there >= target.shape)).any(axis=1)] = -1
    return there
