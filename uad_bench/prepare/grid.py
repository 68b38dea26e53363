"""Sampling a volume on another grid by world coordinates: linear, averaged over each target voxel."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.data.volumes import Grid, Volume, offset_voxels
from uad_bench.types import Affine, FloatArray

# Grids nearer than a thousandth of a voxel are one: headers keep 32-bit numbers.
SAME = 1e-3


def same_grid(one: Grid, other: Grid) -> bool:
    """The two grids are one, up to the precision of a header."""
    return offset_voxels(one, other) < SAME


def sample(array: npt.NDArray[np.float32], source: Grid, target: Grid) -> FloatArray:
    """`array` on `source`, as its mean over each voxel of `target`, float32 of the target's shape.

    The mean is taken over linear interpolations at k points along each target axis, k being the whole number
    of source voxels that fit, so that no source voxel falls between the samples (anti-aliasing); outside the
    source's field of view the value is 0. Of a mask it gives the filled share of each voxel, 0 to 1.
    """
    # A billionth of a voxel: the rounding of equal headers must not show in the voxels.
    across = np.round(np.linalg.solve(source.affine, target.affine), 9)
    mean = np.zeros(target.shape, dtype=np.float32)
    box = _filled_box(array, across, target.shape)
    if box is not None:
        start = np.eye(4)
        start[:3, 3] = [axis.start for axis in box]
        mean[box] = _mean(array, across @ start, tuple(axis.stop - axis.start for axis in box))
    return mean


def _mean(array: npt.NDArray[np.float32], across: Affine, shape: tuple[int, ...]) -> FloatArray:
    """The means over voxels of a grid of `shape`, whose indices `across` leads to indices of `array`."""
    k = tuple(max(1, round(float(n))) for n in np.linalg.norm(across[:3, :3], axis=0))
    fine = across @ _fine_affine(k)
    turn = fine[:3, :3]
    # scipy has a faster way for axes that stay parallel, and takes it if handed the diagonal alone.
    matrix = np.diag(turn) if np.array_equal(turn, np.diag(np.diag(turn))) else turn
    points = tuple(n * m for n, m in zip(shape, k, strict=True))
    values = ndimage.affine_transform(
        array, matrix, offset=fine[:3, 3], output_shape=points, order=1, mode="grid-constant"
    )
    x, y, z = shape
    mean: FloatArray = values.reshape(x, k[0], y, k[1], z, k[2]).mean(axis=(1, 3, 5), dtype=np.float32)
    return mean


def _filled_box(
    array: npt.NDArray[np.float32], across: Affine, shape: tuple[int, ...]
) -> tuple[slice, slice, slice] | None:
    """The part of the target that non-zero voxels of `array` can reach; None where they reach nothing."""
    filled = [np.flatnonzero(array.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if any(line.size == 0 for line in filled):
        return None
    ends = np.array([[line[0] - 1, line[-1] + 1] for line in filled])
    corners = ends[np.arange(3)[:, None], np.indices((2, 2, 2)).reshape(3, -1)]
    there = np.linalg.solve(across[:3, :3], corners - across[:3, 3:])
    low = np.clip(np.floor(there.min(axis=1) - 0.5).astype(int), 0, shape)
    high = np.clip(np.ceil(there.max(axis=1) + 0.5).astype(int) + 1, 0, shape)
    if (low >= high).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return x, y, z


def on_grid(mask: Volume[np.bool_], grid: Grid) -> FloatArray:
    """The filled share of each voxel of `grid`, float32; zeros and ones where it is the mask's own grid."""
    if same_grid(mask.grid, grid):
        return mask.array.astype(np.float32)
    return sample(mask.array.astype(np.float32), mask.grid, grid)


def _fine_affine(k: tuple[int, ...]) -> Affine:
    """From indices of the k-fold finer grid to indices of the grid: the same box, more points."""
    affine = np.diag([*(1 / n for n in k), 1.0])
    affine[:3, 3] = [(1 / n - 1) / 2 for n in k]
    return affine
