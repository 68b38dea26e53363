"""Detection by lesion stratum: the recall by any overlap (`lesion_recall`) of the lesions in one bin of a trait.

A lesion is in at most one bin of each trait; `lesion_traits` defines the traits:
    size      volume in mm3
    contrast  z-score of the lesion's mean intensity with respect to its surroundings: dark below -1, bright from 1 on
    depth     distance in mm of the centroid from the surface of the brain
    side      left or right half of the brain
    height    lower, middle or upper third of the brain
A bin includes its lower end. Read the pooled value, lesions found over lesions of all cases: one case has few lesions
in a bin. Undefined: `empty_brain`, `no_threshold`, `no_case` (pooled), `no_image` (contrast of a case without image),
and `no_lesion_of_size`, `_contrast`, `_depth`, `_side` or `_height` without a lesion in the bin. All in [0, 1],
higher is better.
"""

from typing import ClassVar, Literal

import numpy as np

from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, of_case, ratio
from uad_bench.evaluate.metrics.declarations.classes import variant
from uad_bench.evaluate.metrics.lesion import overlaps
from uad_bench.evaluate.metrics.lesion_traits import Floats, contrast, traits
from uad_bench.types import BoolArray, Value


class Detection(Counted):
    """The share of the lesions with low <= trait < high that are found. Counts: lesions of the bin found, and all.

    >>> from uad_bench.types import Scored
    >>> lesion, prediction = np.zeros((1, 1, 40), bool), np.zeros((1, 1, 40), np.float32)
    >>> lesion[..., :2] = lesion[..., 4:6] = lesion[..., 20:35] = True  # 2, 2 and 15 mm3
    >>> prediction[..., 4] = 1
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> view = View.of_case(scored, threshold=0.5)
    >>> SizeLt10().case(view).value, Size10To100().case(view).value, SizeGe1000().case(view).reason
    (0.5, 0.0, 'no_lesion_of_size')
    """

    trait: ClassVar[Literal["size", "contrast", "depth", "side", "height"]]
    low: ClassVar[float] = -np.inf
    high: ClassVar[float] = np.inf

    def undefined(self, view: View) -> str:
        without_image = self.trait == "contrast" and of_case(view).image is None
        return super().undefined(view) or ("no_image" if without_image else "")

    def counts(self, view: View) -> Sums:
        scored = of_case(view)
        is_contrast = self.trait == "contrast"
        values: Floats = contrast(scored) if is_contrast else getattr(traits(scored), self.trait)
        in_bin = self.in_bin(values)
        found = np.count_nonzero(overlaps(view).lesion_found & in_bin)
        return np.array([found, np.count_nonzero(in_bin)], np.float64)

    def in_bin(self, values: Floats) -> BoolArray:
        """Whether each lesion is in the bin, (lesions,), from its trait; False for NaN."""
        return (values >= self.low) & (values < self.high)

    def of(self, sums: Sums) -> Value:
        return ratio(sums[0], sums[1], f"no_lesion_of_{self.trait}")


SizeLt10 = variant(Detection, "detect_size_lt10")
Size10To100 = variant(Detection, "detect_size_10to100")
Size100To1000 = variant(Detection, "detect_size_100to1000")
SizeGe1000 = variant(Detection, "detect_size_ge1000")
Dark = variant(Detection, "detect_contrast_dark")
Iso = variant(Detection, "detect_contrast_iso")
Bright = variant(Detection, "detect_contrast_bright")
Shallow = variant(Detection, "detect_depth_lt10")
Deep = variant(Detection, "detect_depth_ge10")
Left = variant(Detection, "detect_side_left")
Right = variant(Detection, "detect_side_right")
Lower = variant(Detection, "detect_height_lower")
Middle = variant(Detection, "detect_height_middle")
Upper = variant(Detection, "detect_height_upper")
