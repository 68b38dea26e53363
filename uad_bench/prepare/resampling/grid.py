"""A volume on another grid, by world coordinates: averaged over each voxel, or interpolated at voxel centres."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Volume, offset_voxels
from uad_bench.types import Affine, FloatArray

#: Grids that differ by less than this, in voxels, are equal: headers have 32-bit numbers.
EQUAL = 1e-3
#: In voxels: a centre exactly between two voxels always goes to the same one, whatever the rounding of the header.
NUDGE = 5e-7
#: Nearest neighbour, linear, cubic B-spline.
Order = Literal[0, 1, 3]


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids are equal, to the precision of a header."""
    return offset_voxels(one, other) < EQUAL


def sample(array: npt.NDArray[np.float32], source: Grid, target: Grid) -> FloatArray:
    """The mean of `array`, which is on `source`, over each voxel of `target`, float32 of the target's shape.

    The mean is over linear interpolations at k points along each target axis, where k is the rounded number of source
    voxels per target voxel, so that no source voxel is skipped (anti-aliasing). Outside the source's field of view the
    value is 0. For a mask, the result is the filled share of each voxel, 0 to 1.

    >>> fine, coarse = Grid((4, 4, 4), np.eye(4)), Grid((1, 1, 1), np.diag([2.0, 2, 2, 1]))
    >>> coarse.affine[:3, 3] = 1.5  # the centre of the middle 2 x 2 x 2 voxels
    >>> mask = np.zeros((4, 4, 4), np.float32)
    >>> mask[1, 1, 1] = mask[2, 2, 2] = 1
    >>> float(sample(mask, fine, coarse)[0, 0, 0])
    0.25
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
    """The means over voxels of a grid of `shape`; `across` maps its indices to those of `array`."""
    k, fine, points = _finer(across, shape)
    return _mean_of_blocks(_values(array, fine, points, 1, "grid-constant"), k)


def spline_mean(array: npt.NDArray[np.float32], source: Grid, target: Grid) -> FloatArray:
    """As `sample`, by cubic B-splines, clipped to the range of `array`, which splines exceed at edges.

    Beyond the field of view the edge is continued: values there are meaningless and must be masked.
    """
    k, fine, points = _finer(_across(source, target), target.shape)
    values = _values(array, fine, points, 3, "mirror")
    return _mean_of_blocks(np.clip(values, array.min(), array.max(), out=values), k)


def interpolate(array: npt.NDArray[Any], source: Grid, target: Grid, order: Order) -> npt.NDArray[Any]:
    """`array`, which is on `source`, interpolated at the voxel centres of `target`, of the array's own type.

    Splines (order 3) are clipped to the range of `array`. Beyond the field of view, which ends with the outermost
    voxels, the value is 0. NaN and Inf give NaN where they are the nearest voxel, and affect no other value.
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
    """The grid of a box of `shape` voxels from voxel `start` of `grid` on, which may extend beyond `grid`."""
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(start)
    x, y, z = shape
    return Grid((x, y, z), affine)


def _across(source: Grid, target: Grid) -> Affine:
    """From voxel indices of `target` to those of `source`."""
    # To a billionth of a voxel: the rounding of equal headers must not change voxels.
    across: Affine = np.round(np.linalg.solve(source.affine, target.affine), 9)
    return across


def _finer(across: Affine, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Affine, tuple[int, ...]]:
    """k points per target axis, one per source voxel; the affine from their indices to the source; their number."""
    k = tuple(max(1, round(float(n))) for n in np.linalg.norm(across[:3, :3], axis=0))
    return k, across @ _fine_affine(k), tuple(n * m for n, m in zip(shape, k, strict=True))


def _values(
    array: npt.NDArray[Any], across: Affine, shape: tuple[int, ...], order: Order, mode: str
) -> npt.NDArray[Any]:
    """`array` at the positions that `across` maps the indices of a grid of `shape` to."""
    turn, offset = across[:3, :3], across[:3, 3]
    # scipy has a faster algorithm for parallel axes, which it uses where the matrix is one-dimensional.
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
    """Which indices of a grid of `shape` are mapped into the voxels of an array of the shape `source`."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    inside = np.ones(shape, dtype=np.bool_)
    for (a, b, c, start), n in zip(across[:3], source, strict=True):
        position = (a * i + (start + 0.5)) + b * j + c * k
        inside &= (position >= -NUDGE) & (position <= n + NUDGE)
    return inside


def _filled_box(
    array: npt.NDArray[np.float32], across: Affine, shape: tuple[int, ...]
) -> tuple[slice, slice, slice] | None:
    """The part of the target that non-zero voxels of `array` contribute to; None where there is none."""
    filled = [np.flatnonzero(array.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if any(line.size == 0 for line in filled):
        return None
    ends = np.array([[line[0] - 1, line[-1] + 1] for line in filled])
    corners = ends[np.arange(3)[:, None], np.indices((2, 2, 2)).reshape(3, -1)]
    in_target = np.linalg.solve(across[:3, :3], corners - across[:3, 3:])
    low = np.clip(np.floor(in_target.min(axis=1) - 0.5).astype(int), 0, shape)
    high = np.clip(np.ceil(in_target.max(axis=1) + 0.5).astype(int) + 1, 0, shape)
    if (low >= high).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return x, y, z


def on_grid(mask: Volume[np.bool_], grid: Grid) -> FloatArray:
    """The share of each voxel of `grid` that the mask fills, float32; 0 or 1 where it is the mask's own grid."""
    if same_grid(mask.grid, grid):
        return mask.array.astype(np.float32)
    return sample(mask.array.astype(np.float32), mask.grid, grid)


def _fine_affine(k: tuple[int, ...]) -> Affine:
    """From indices of the k-fold finer grid of the same box to indices of the grid."""
    affine = np.diag([*(1 / n for n in k), 1.0])
    affine[:3, 3] = [(1 / n - 1) / 2 for n in k]
    return affine
