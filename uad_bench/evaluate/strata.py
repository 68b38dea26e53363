"""Detection of lesions by their size, contrast and place: recall by any overlap, as `lesion_recall`, bin by bin.

A lesion belongs to one bin of each family, or to none where it cannot be told. What is measured of a lesion:
    size      its volume in mm3, the part outside the brain included
    contrast  (mean of the lesion - mean of its surroundings) / standard deviation of the surroundings, in the first
              channel of the prepared image. The surroundings are the brain voxels that belong to no lesion and lie
              within 5 mm of the lesion (centre to centre). Below -1 is dark, above 1 bright, iso between. No bin: a
              lesion without a voxel in the brain, or without surroundings.
    depth     mm from its centroid to the nearest edge voxel of the brain mask; 0 where the centroid lies outside it
    side      left or right of the middle of the brain's extent along x (RAS: x grows to the right)
    height    the third of the brain's extent along z that its centroid is in; beyond the ends, the end's
Bins include their lower end. The pooled value, lesions found over lesions of all cases, is the one to read: single
cases have few lesions in a bin. Without a lesion in the bin there is no value (`no_lesion_of_size`, `_contrast`,
`_depth`, `_side`, `_height`; `no_image` where contrast was asked without an image).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from uad_bench.evaluate.components import edge
from uad_bench.evaluate.counted import Counted, Sums, of_case, ratio
from uad_bench.evaluate.lesion import lesions, overlaps
from uad_bench.evaluate.memo import once
from uad_bench.evaluate.metric import View
from uad_bench.types import BoolArray, FloatArray, Scored, Value

Floats = npt.NDArray[np.float64]

RING_MM = 5.0


@dataclass(frozen=True)
class Traits:
    """What is measured of every lesion of a case but its contrast, (n,) each: see the head of the module.

    side and height are shares of the brain's extent: 0 at its left and lower end, 1 at the other.
    """

    size: Floats
    depth: Floats
    side: Floats
    height: Floats


def traits(scored: Scored) -> Traits:
    """The traits of the lesions of a case with a brain, shared by all rules and metrics."""
    return once(scored, _traits)


def contrast(scored: Scored) -> Floats:
    """The contrast of every lesion, (n,), NaN where it cannot be told. Raises ValueError without an image."""
    return once(scored, _contrasts)


def _traits(scored: Scored) -> Traits:
    parts, spacing = lesions(scored), np.array(scored.spacing)
    sums = [np.bincount(parts.label, parts.places[:, axis], minlength=parts.n) for axis in range(3)]
    centres = np.stack(sums, axis=1) / parts.sizes[:, np.newaxis]
    return Traits(
        parts.sizes * spacing.prod(),
        _depths(centres, scored.brain_mask, spacing),
        _along(centres[:, 0], scored.brain_mask, 0),
        _along(centres[:, 2], scored.brain_mask, 2),
    )


def _depths(centres: Floats, brain: BoolArray, spacing: Floats) -> Floats:
    rim = np.argwhere(edge(brain)) * spacing
    away = cKDTree(rim).query(centres * spacing)[0]
    inside: BoolArray = brain[tuple(np.rint(centres).astype(np.int64).T)]
    depths: Floats = np.where(inside, away, 0.0)
    return depths


def _along(centres: Floats, brain: BoolArray, axis: int) -> Floats:
    """Where centres lie in the brain's extent along an axis, whole voxels counted: 0 to 1."""
    others = tuple(other for other in range(3) if other != axis)
    filled = np.flatnonzero(brain.any(axis=others))
    share: Floats = (centres + 0.5 - filled[0]) / (filled[-1] + 1 - filled[0])
    return share


def _contrasts(scored: Scored) -> Floats:
    if scored.image is None:
        raise ValueError(f"case {scored.case_id} has no image")
    parts = lesions(scored)
    order = np.argsort(parts.label, kind="stable")
    groups = np.split(parts.places[order], np.cumsum(parts.sizes)[:-1])
    return np.array([_contrast(places, scored, scored.image[0]) for places in groups[: parts.n]])


def _contrast(places: npt.NDArray[np.int64], scored: Scored, image: FloatArray) -> float:
    """The contrast of the lesion at places (n, 3), from a box about it."""
    reach = np.ceil(RING_MM / np.array(scored.spacing)).astype(np.int64)
    low, high = np.maximum(places.min(0) - reach, 0), places.max(0) + reach + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    brain, values = scored.brain_mask[box], image[box]
    lesion = np.zeros(brain.shape, bool)
    lesion[tuple((places - low).T)] = True
    near = ndimage.distance_transform_edt(~lesion, sampling=scored.spacing) <= RING_MM
    inner = values[lesion & brain].astype(np.float64)
    ring = values[near & brain & ~scored.lesion_mask[box]].astype(np.float64)
    if not (inner.size and ring.size):
        return float("nan")
    difference = float(inner.mean() - ring.mean())
    if abs(difference) <= 1e-6 * abs(ring.mean()):  # images are float32: what is less is rounding
        return 0.0
    # In even surroundings any difference is beyond every bound.
    return difference / max(float(ring.std()), 1e-12)


class Detection(Counted):
    """Counts: lesions of the bin that are found, lesions of the bin. The bin is low <= trait < high."""

    trait: ClassVar[Literal["size", "contrast", "depth", "side", "height"]]
    low: ClassVar[float] = -np.inf
    high: ClassVar[float] = np.inf

    def refused(self, view: View) -> str:
        without = self.trait == "contrast" and of_case(view).image is None
        return super().refused(view) or ("no_image" if without else "")

    def counts(self, view: View) -> Sums:
        scored = of_case(view)
        is_contrast = self.trait == "contrast"
        value: Floats = contrast(scored) if is_contrast else getattr(traits(scored), self.trait)
        inside = self.chosen(value)
        return np.array([np.count_nonzero(overlaps(view).hit & inside), np.count_nonzero(inside)], np.float64)

    def chosen(self, value: Floats) -> BoolArray:
        """Which lesions are in the bin; NaN is in none."""
        return (value >= self.low) & (value < self.high)

    def of(self, sums: Sums) -> Value:
        return ratio(sums[0], sums[1], f"no_lesion_of_{self.trait}")


class SizeLt10(Detection):
    name, trait, high = "detect_size_lt10", "size", 10.0
    summary = "share found of lesions below 10 mm3"


class Size10To100(Detection):
    name, trait, low, high = "detect_size_10to100", "size", 10.0, 100.0
    summary = "share found of lesions of 10 to 100 mm3"


class Size100To1000(Detection):
    name, trait, low, high = "detect_size_100to1000", "size", 100.0, 1000.0
    summary = "share found of lesions of 100 to 1000 mm3"


class SizeGe1000(Detection):
    name, trait, low = "detect_size_ge1000", "size", 1000.0
    summary = "share found of lesions of 1000 mm3 or more"


class Dark(Detection):
    name, trait, high = "detect_contrast_dark", "contrast", -1.0
    summary = "share found of lesions darker than their surroundings"


class Iso(Detection):
    name, trait, low, high = "detect_contrast_iso", "contrast", -1.0, 1.0
    summary = "share found of lesions as bright as their surroundings"


class Bright(Detection):
    name, trait, low = "detect_contrast_bright", "contrast", 1.0
    summary = "share found of lesions brighter than their surroundings"


class Shallow(Detection):
    name, trait, high = "detect_depth_lt10", "depth", 10.0
    summary = "share found of lesions less than 10 mm below the brain's surface"


class Deep(Detection):
    name, trait, low = "detect_depth_ge10", "depth", 10.0
    summary = "share found of lesions 10 mm or more below the brain's surface"


class Left(Detection):
    name, trait, high = "detect_side_left", "side", 0.5
    summary = "share found of lesions in the left half of the brain"


class Right(Detection):
    name, trait, low = "detect_side_right", "side", 0.5
    summary = "share found of lesions in the right half of the brain"


class Lower(Detection):
    name, trait, high = "detect_height_lower", "height", 1 / 3
    summary = "share found of lesions in the lower third of the brain"


class Middle(Detection):
    name, trait, low, high = "detect_height_middle", "height", 1 / 3, 2 / 3
    summary = "share found of lesions in the middle third of the brain"


class Upper(Detection):
    name, trait, low = "detect_height_upper", "height", 2 / 3
    summary = "share found of lesions in the upper third of the brain"
