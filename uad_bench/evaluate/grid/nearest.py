"""Scores of the nearest brain voxels, for the voxels around a brain that a window of a filter reaches.

The nearest voxel is found axis by axis, as in the feature transform of `scipy.ndimage.distance_transform_edt`: among
the voxels of a line, then of a plane, then of the volume. Only offsets that a window can need are tried, a few for
each axis, each for all voxels at once. Of equally near voxels the same one as in scipy is taken: the one with the
lowest index along z, then along y, then along x.
"""

from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

Keys = npt.NDArray[np.integer[Any]]


def filled_around(volume: FloatArray, mask: BoolArray, reach: int, axes: int) -> FloatArray:
    """The volume with the score of the nearest voxel of the mask in each voxel that a window reaches; 0 farther away.

    volume, mask: (X, Y, Z). reach: half the size of the window. axes: 3, or 2 for windows and neighbours in the axial
    slice alone.

    >>> volume = np.array([7, 0, 0, 3, 9], np.float32).reshape(5, 1, 1)
    >>> filled_around(volume, (np.arange(5) % 3 == 0).reshape(5, 1, 1), 1, axes=3).ravel()
    array([7., 7., 3., 3., 3.], dtype=float32)
    """
    most = axes * reach * reach + 1  # squared distances of voxels in a window are lower
    offsets = isqrt(most - 1)
    shift = (2 * offsets).bit_length()
    kind = np.uint16 if (most + offsets * offsets) << shift < 1 << 16 else np.uint32
    # Distance and offset are one integer while they are compared, the distance in its upper bits.
    keys: list[Keys] = [np.where(mask, kind(0), kind(most << shift))]
    for axis in range(axes):
        keys.append(_nearest_along(keys[-1] >> shift << shift, axis, shift, offsets))
    rim = np.flatnonzero((keys[-1] >> shift < most) & ~mask)
    source = list(np.unravel_index(rim, mask.shape))
    for axis in reversed(range(axes)):
        key = keys[axis + 1][tuple(source)]
        source[axis] = source[axis] + (key & kind((1 << shift) - 1)).astype(np.int64) - offsets
    filled: FloatArray = np.where(mask, volume, volume.dtype.type(0))
    filled.ravel()[rim] = volume[tuple(source)]
    return filled


def _nearest_along(keys: Keys, axis: int, shift: int, offsets: int) -> Keys:
    """For each voxel the lowest squared distance + offset² along an axis, and that offset, the lowest of equals.

    keys: squared distances in the bits from `shift` on. The offset, plus `offsets`, is in the bits below.
    """
    n = keys.shape[axis]
    best = keys + keys.dtype.type(offsets)  # offset 0
    moved = np.empty(keys.size, keys.dtype)
    for offset in (k for k in range(-min(offsets, n - 1), min(offsets, n - 1) + 1) if k):
        here, there = (
            (slice(None),) * axis + (slice(max(0, sign * offset), n - max(0, -sign * offset)),)
            for sign in (-1, 1)
        )
        step = keys.dtype.type((offset * offset << shift) + offset + offsets)
        before = best[here]
        shifted = moved[: before.size].reshape(before.shape)
        np.minimum(before, np.add(keys[there], step, out=shifted), out=before)
    return best
