"""Sampling a volume on another grid by world coordinates: averaged over each voxel, or at its centre alone."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Volume, offset_voxels
from uad_bench.types import Affine, FloatArray

# Grids nearer than a thousandth of a voxel are one: headers keep 32-bit numbers.
SAME = 1e-3
# Half a micrometre: a centre between two voxels goes one way, whatever the rounding of the header.
NUDGE = 5e-7
#: Nearest neighbour, linear, cubic B-spline.
Order = Literal[0, 1, 3]


def same_grid(one: Grid, other: Grid) -> bool:
    """The two grids are one, up to the precision of a header."""
    return offset_voxels(one, other) < SAME


def sample(array: npt.NDArray[np.float32], source: Grid, target: Grid) -> FloatArray:
    """`array` on `source`, as its mean over each voxel of `target`, float32 of the target's shape.

    The mean is taken over linear interpolations at k points along each target axis, k being the whole number
    of source voxels that fit, so that no source voxel falls between the samples (anti-aliasing); outside the
    source's field of view the value is 0. Of a mask it gives the filled share of each voxel, 0 to 1.
    """
    across = _across(source, target)
    mean = np.zeros(target.shape, dtype=np.float32)
    box = _filled_box(array, across, target.shape)
    if box is not None:
        start = np.eye(4)
        start[:3, 3] = [axis.start for axis in box]
        mean[box] = _mean(array, across @ start, tuple(axis.stop - axis.start for axis in box))
    return mean


def _mean(array: npt.NDArray[np.float32], across: Affine, shape: tuple[int, ...]) -> FloatArray:
    """The means over voxels of a grid of `shape`, whose indices `across` leads to indices of `array`."""
    k, fine, points = _finer(across, shape)
    return _mean_of_blocks(_values(array, fine, points, 1, "grid-constant"), k)


def spline_mean(array: npt.NDArray[np.float32], source: Grid, target: Grid) -> FloatArray:
    """As `sample`, by cubic B-splines; never beyond the range of `array`, which they overshoot at edges.

    Beyond the field of view the edge goes on, so that the value says nothing there: mask it.
    """
    k, fine, points = _finer(_across(source, target), target.shape)
    values = _values(array, fine, points, 3, "mirror")
    return _mean_of_blocks(np.clip(values, array.min(), array.max(), out=values), k)


def interpolate(array: npt.NDArray[Any], source: Grid, target: Grid, order: Order) -> npt.NDArray[Any]:
    """`array` on `source` at the voxel centres of `target`, nothing averaged; of the array's own type.

    A spline (order 3) never leaves the range of `array`. Beyond the field of view, which ends with the
    outermost voxels, the value is 0. NaN and Inf stay NaN at the places nearest to them, and touch no other.
    """
    if same_grid(source, target):
        return array.copy()
    bad = ~np.isfinite(array)
    if bad.any():
        values = interpolate(np.where(bad, array.dtype.type(0), array), source, target, order)
        return np.where(interpolate(bad, source, target, 0), array.dtype.type(np.nan), values)
    across = _across(source, target)
    values = _values(array, across, target.shape, order, "mirror" if order == 3 else "nearest")
    if order == 3:
        values = np.clip(values, array.min(), array.max(), out=values)
    values[~_in_view(across, array.shape, target.shape)] = 0
    return values


def window(grid: Grid, start: Sequence[float], shape: tuple[int, ...]) -> Grid:
    """The grid of the box of `shape` voxels whose first voxel is `start` of `grid`; it may reach beyond it."""
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(start)
    x, y, z = shape
    return Grid((x, y, z), affine)


def _across(source: Grid, target: Grid) -> Affine:
    """From voxel indices of `target` to those of `source`."""
    # A billionth of a voxel: the rounding of equal headers must not show in the voxels.
    across: Affine = np.round(np.linalg.solve(source.affine, target.affine), 9)
    return across


def _finer(across: Affine, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Affine, tuple[int, ...]]:
    """k points along each target axis, one a source voxel; the way from them to the source; their number."""
    k = tuple(max(1, round(float(n))) for n in np.linalg.norm(across[:3, :3], axis=0))
    return k, across @ _fine_affine(k), tuple(n * m for n, m in zip(shape, k, strict=True))


def _values(
    array: npt.NDArray[Any], across: Affine, shape: tuple[int, ...], order: Order, mode: str
) -> npt.NDArray[Any]:
    """`array` at the places that `across` leads to from the indices of a grid of `shape`."""
    turn, offset = across[:3, :3], across[:3, 3]
    # scipy has a faster way for axes that stay parallel, and takes it if handed the diagonal alone.
    matrix = np.diag(turn) if np.array_equal(turn, np.diag(np.diag(turn))) else turn
    offset = offset + NUDGE if order == 0 else offset
    values: npt.NDArray[Any] = ndimage.affine_transform(
        array, matrix, offset=offset, output_shape=shape, order=order, mode=mode
    )
    return values


def _mean_of_blocks(values: FloatArray, k: tuple[int, ...]) -> FloatArray:
    """The means over blocks of k voxels along each axis."""
    x, y, z = (n // m for n, m in zip(values.shape, k, strict=True))
    mean: FloatArray = values.reshape(x, k[0], y, k[1], z, k[2]).mean(axis=(1, 3, 5), dtype=np.float32)
    return mean


def _in_view(across: Affine, source: tuple[int, ...], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which indices of a grid of `shape` lead into the voxels of an array of the shape `source`."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    inside = np.ones(shape, dtype=np.bool_)
    for (a, b, c, start), n in zip(across[:3], source, strict=True):
        place = (a * i + (start + 0.5)) + b * j + c * k
        inside &= (place >= -NUDGE) & (place <= n + NUDGE)
    return inside


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
