"""What a picture shows of a case: one axial slice, the subject's left on the left.

A slice is drawn as (y, x) with y upwards. The axes being RAS+, anterior is up and x grows from the subject's
left to the right: the neurological display.
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
class Panel:
    """A case of the sheet. All arrays (X, Y, Z), RAS+; label: a word for it ("tumour", "healthy").

    map: higher = more anomalous, read inside the brain mask only; spacing: voxel size (x, y, z) in mm.
    """

    case_id: str
    label: str
    image: FloatArray
    map: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class Slice:
    """One axial slice, cropped to the brain, all arrays (y, x); window: grey values of black and white.

    aspect: height of a pixel over its width; z: which slice of the volume it is.
    """

    image: FloatArray
    map: FloatArray
    lesion: BoolArray
    window: tuple[float, float]
    aspect: float
    z: int


def slice_of(panel: Panel) -> Slice:
    """The axial slice with most lesion, or with most brain where there is none; the map is NaN outside."""
    return Slice(
        image=cut(panel, panel.image),
        map=inside(panel, panel.map),
        lesion=cut(panel, panel.lesion_mask),
        window=robust_range([panel.image[panel.brain_mask]]),
        aspect=panel.spacing[1] / panel.spacing[0],
        z=best_slice(panel),
    )


def cut(panel: Panel, volume: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Any volume (..., X, Y, Z) of the case as its slice shows it: (..., y, x), cropped to the brain."""
    x, y = _extent(panel.brain_mask, 0), _extent(panel.brain_mask, 1)
    return np.swapaxes(volume[..., x, y, best_slice(panel)], -1, -2)


def inside(panel: Panel, volume: FloatArray) -> FloatArray:
    """`cut`, NaN outside the brain."""
    return np.where(cut(panel, panel.brain_mask), cut(panel, volume), np.float32(np.nan))


def best_slice(panel: Panel) -> int:
    """Index z of the slice with most lesion voxels, else with most brain voxels; the lowest of equals."""
    mask = panel.lesion_mask if panel.lesion_mask.any() else panel.brain_mask
    return int(np.argmax(mask.sum(axis=(0, 1))))


def robust_range(values: Sequence[npt.NDArray[np.floating]]) -> tuple[float, float]:
    """The 1 and 99.5 percentile of all values together, never equal."""
    pool = np.concatenate([np.empty(0, np.float32), *values])
    if not pool.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(pool, [1, 99.5]))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _extent(brain_mask: BoolArray, axis: int) -> slice:
    """From the first to the last place with brain along an axis, and a margin; everything where none is."""
    found = np.unique(np.nonzero(brain_mask)[axis])
    if not found.size:
        return slice(None)
    return slice(max(int(found[0]) - MARGIN, 0), int(found[-1]) + MARGIN + 1)
