"""Near duplicates: thumbnails of the brain, each correlated with each.

A digest finds equal voxels; a thumbnail also finds a scan that was saved again with another crop, scale or noise. The
threshold of rule L4 is a correlation above 0.999. A scan scaled, cropped and with 5 % of noise had a correlation of
1.0000 with the original, a copy at half the resolution 0.997 (below the threshold until both are prepared on one
grid); the largest between different subjects was 0.924 in the synthetic cohort (6,216 pairs) and 0.914 among four
patients. Registration and histogram standardisation make two subjects more alike, but the sulci, the ventricles and
the outline of the brain, which cells of about 10 mm resolve, remain individual.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

#: Cells of a thumbnail along each axis.
SIDE = 16
#: Two thumbnails with a higher correlation show one scan.
MAX_CORRELATION = 0.999
ROWS = 512


def thumbnail(image: FloatArray, brain_mask: BoolArray) -> FloatArray:
    """The brain (X, Y, Z) as float32 (16, 16, 16): means over equal cells of its bounding box, 0 outside the brain.

    Cell borders may fall within voxels: a voxel is weighted by its part inside the cell. An empty mask gives zeros,
    which match no other thumbnail.
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
    """Means of `values` (N, ...) over 16 equal intervals of the first axis, from cumulative sums.

    No matrix product: its last bits would depend on the number of threads.
    """
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    borders = np.linspace(0, len(values), SIDE + 1)
    full = np.minimum(borders.astype(int), len(values) - 1)
    part = (borders - full).reshape(-1, 1, 1)
    up_to = sums[full] * (1 - part) + sums[full + 1] * part
    means: npt.NDArray[np.float64] = np.diff(up_to, axis=0) * (SIDE / len(values))
    return means


def near_duplicates(
    thumbnails: Sequence[FloatArray], threshold: float = MAX_CORRELATION
) -> list[tuple[int, int, float]]:
    """Every pair i < j of thumbnails whose correlation is above `threshold`, as (i, j, correlation)."""
    if len(thumbnails) < 2:
        return []
    flat = np.stack([np.ravel(one) for one in thumbnails]).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, length, out=np.zeros_like(flat), where=length > 0).astype(np.float32)
    pairs = []
    for start in range(0, len(unit), ROWS):  # a block of rows at a time, to bound the memory
        correlations = unit[start : start + ROWS] @ unit[start:].T
        for i, j in np.argwhere(correlations > threshold):
            if i < j:
                pairs.append((start + int(i), start + int(j), float(correlations[i, j])))
    return pairs
