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

from typing import ClassVar, Literal

import numpy as np

from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, of_case, ratio
from uad_bench.evaluate.metrics.lesion import overlaps
from uad_bench.evaluate.metrics.lesion_traits import Floats, contrast, traits
from uad_bench.types import BoolArray, Value


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
