"""Voxels around the head without data: NaN, or one constant value, where other files have 0."""

import numpy as np

from uad_bench.types import BoolArray, FloatArray

#: The share of the six faces of the box that a background fills; a brain in thick slices takes up to a third of them.
SHARE = 0.5


def without_background(array: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """`array` (X, Y, Z) with 0 in the background, and a note of the change; the array itself without one.

    A background is one value, NaN and Inf included, that fills half of the faces of the box; it reaches as far as its
    voxels are connected to them. Noise in the air of a whole head has no such value. Voxels with this value inside the
    head stay as they are.
    """
    value = _most_frequent(_faces(array))
    if value is None or value == 0:
        return array, ()
    around = _from_faces(np.isnan(array) if np.isnan(value) else array == value)
    text = f"the value {value:g} around the head counts as no data ({int(around.sum())} voxels); set to 0"
    return np.where(around, np.float32(0), array), (text,)


def _faces(array: FloatArray) -> FloatArray:
    """The values of the outermost voxels; those on an edge count for each of their faces."""
    return np.concatenate(
        [face.ravel() for axis in range(3) for face in (array.take(i, axis) for i in (0, -1))]
    )


def _most_frequent(values: FloatArray) -> float | None:
    """The value of at least SHARE of `values`, None where there is none. A value of the majority is their median."""
    bad = np.isnan(values)
    if bad.mean() >= SHARE:
        return float("nan")
    middle = float(np.sort(values[~bad])[(~bad).sum() // 2])
    return middle if (values == middle).mean() >= SHARE else None


def _from_faces(marked: BoolArray) -> BoolArray:
    """The marked voxels that are connected (6 neighbours) to a face of the box."""
    from scipy import ndimage

    labels, _ = ndimage.label(marked)
    outer = np.unique(np.concatenate([labels.take(i, axis).ravel() for axis in range(3) for i in (0, -1)]))
    found: BoolArray = np.isin(labels, outer[outer > 0])
    return found
