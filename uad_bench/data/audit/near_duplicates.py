"""Scans that look alike although their ids say otherwise: tiny copies of the brain, compared all with all.

A digest finds equal voxels; a thumbnail also finds the same scan saved again with another crop, scale or noise.
The bar, a correlation above 0.999, is that of the leak rules (L4). A scan scaled, cropped and with 5 % of noise
came to 1.0000, a copy at half the resolution to 0.997 (below the bar until both are prepared on one grid);
different subjects came to 0.924 at most in the embedded cohort (6,216 pairs), and to 0.914 among four patients.
Registration and histogram standardisation bring two subjects closer, but sulci, ventricles and the outline of
the brain, which cells of some 10 mm show, stay their own.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

#: Cells along each axis of a thumbnail.
SIDE = 16
#: Correlation above which two thumbnails show one scan.
ALIKE = 0.999
ROWS = 512


def thumbnail(image: FloatArray, brain_mask: BoolArray) -> FloatArray:
    """The brain (X, Y, Z) as float32 (16, 16, 16): means over equal boxes of its bounding box, 0 outside it.

    Boxes need not fall on voxel borders: a voxel counts by the part of it that lies inside. An empty mask
    gives zeros, which look like nothing.
    """
    cells = np.where(brain_mask, image, 0).astype(np.float64)
    for axis in range(3):
        used = np.flatnonzero(brain_mask.any(axis=tuple({0, 1, 2} - {axis})))
        if not used.size:
            return np.zeros((SIDE, SIDE, SIDE), np.float32)
        cells = _box_means(np.moveaxis(cells, axis, 0)[used[0] : used[-1] + 1])
        cells = np.moveaxis(cells, 0, axis)
    return np.ascontiguousarray(cells, dtype=np.float32)


def _box_means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means of `values` (N, ...) over 16 equal boxes of the first axis, from sums up to each border.

    Plain sums, no matrix product: its bits would hang on the number of threads.
    """
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    borders = np.linspace(0, len(values), SIDE + 1)
    whole = np.minimum(borders.astype(int), len(values) - 1)
    part = (borders - whole).reshape(-1, 1, 1)
    up_to = sums[whole] * (1 - part) + sums[whole + 1] * part
    means: npt.NDArray[np.float64] = np.diff(up_to, axis=0) * (SIDE / len(values))
    return means


def near_duplicates(thumbnails: Sequence[FloatArray], bar: float = ALIKE) -> list[tuple[int, int, float]]:
    """Every pair i < j of thumbnails whose correlation is above `bar`, as (i, j, correlation)."""
    if len(thumbnails) < 2:
        return []
    flat = np.stack([np.ravel(one) for one in thumbnails]).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, length, out=np.zeros_like(flat), where=length > 0).astype(np.float32)
    pairs = []
    for start in range(0, len(unit), ROWS):  # a block of rows at a time, so that memory stays flat
        alike = unit[start : start + ROWS] @ unit[start:].T
        for i, j in np.argwhere(alike > bar):
            if i < j:
                pairs.append((start + int(i), start + int(j), float(alike[i, j])))
    return pairs
