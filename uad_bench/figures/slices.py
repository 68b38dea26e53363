"""The axial slice of a case that figures show.

A slice is an array (y, x), drawn with y upwards. Volumes are (x, y, z) in RAS+, so anterior is up and the subject's
left is on the left (neurological convention).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

MARGIN = 2
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class CaseImages:
    """The image, anomaly map and masks of one case that figures show, arrays (X, Y, Z) in RAS+.

    label: the lesion kind or "healthy"; map: anomaly map, higher = more anomalous, used inside the brain mask only;
    spacing: voxel size (x, y, z) in mm.
    """

    case_id: str
    label: str
    image: FloatArray
    map: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class AxialSlice:
    """One axial slice of a case, cropped to the brain, arrays (y, x).

    map: NaN outside the brain; window: image values shown as black and white; aspect: height of a pixel over its width;
    z: index of the slice.
    """

    image: FloatArray
    map: FloatArray
    lesion: BoolArray
    window: tuple[float, float]
    aspect: float
    z: int


def axial_slice(case: CaseImages) -> AxialSlice:
    """The axial slice with most lesion voxels, or with most brain voxels where there is no lesion."""
    return AxialSlice(
        image=crop_slice(case, case.image),
        map=brain_slice(case, case.map),
        lesion=crop_slice(case, case.lesion_mask),
        window=robust_range([case.image[case.brain_mask]]),
        aspect=case.spacing[1] / case.spacing[0],
        z=slice_index(case),
    )


def crop_slice(case: CaseImages, volume: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """The slice of any volume (..., X, Y, Z) of the case, cropped to the brain: (..., y, x)."""
    x, y = _extent(case.brain_mask, 0), _extent(case.brain_mask, 1)
    return np.swapaxes(volume[..., x, y, slice_index(case)], -1, -2)


def brain_slice(case: CaseImages, volume: FloatArray) -> FloatArray:
    """`crop_slice` with NaN outside the brain."""
    return np.where(crop_slice(case, case.brain_mask), crop_slice(case, volume), np.float32(np.nan))


def slice_index(case: CaseImages) -> int:
    """Index z of the slice with most lesion voxels, without a lesion with most brain voxels; the lowest of equals."""
    mask = case.lesion_mask if case.lesion_mask.any() else case.brain_mask
    return int(np.argmax(mask.sum(axis=(0, 1))))


def robust_range(values: Sequence[npt.NDArray[np.floating]]) -> tuple[float, float]:
    """The 1st and the 99.5th percentile of all values together, never equal.

    >>> robust_range([np.full(5, 2.0)])
    (1.5, 2.5)
    """
    pool = np.concatenate([np.empty(0, np.float32), *values])
    if not pool.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(pool, [1, 99.5]))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _extent(brain_mask: BoolArray, axis: int) -> slice:
    """From the first to the last brain voxel along an axis, with a margin; everything without a brain."""
    found = np.flatnonzero(brain_mask.any(axis=tuple(other for other in range(3) if other != axis)))
    if not found.size:
        return slice(None)
    return slice(max(int(found[0]) - MARGIN, 0), int(found[-1]) + MARGIN + 1)
