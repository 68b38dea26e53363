"""AUPRO: the area under the per-lesion recall curve, each lesion with the same weight regardless of its size.

A lesion is a 26-connected component of the lesion mask in 3-D. The recall of a lesion is the share of all its voxels at
or above the threshold: those outside the brain mask are missed, and a lesion wholly outside has recall 0. Lesion voxels
that preparation cut off belong to no lesion here.
"""

from typing import ClassVar

import numpy as np

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.declarations.classes import variant
from uad_bench.evaluate.metrics.voxel import VoxelMetric
from uad_bench.types import Value


def aupro(curve: Curve, limit: float) -> float | None:
    """Area under the mean recall of lesions over the false-positive rate in [0, limit], divided by the limit.

    In [0, 1], higher is better; limit / 2 for a map of one value. The curve needs its lesions: build it with
    `Curve.of_case(scored, regions=True)`. None where a lesion or a voxel without lesion is missing. Exact over all
    thresholds; the curve is linear between two distinct scores (Bergmann et al. 2021).

    >>> from uad_bench.types import Scored
    >>> lesion = np.zeros((1, 1, 7), bool)
    >>> lesion[0, 0, :1] = lesion[0, 0, 3:] = True  # a lesion of one voxel, and one of four
    >>> scores = np.array([9, 0, 0, 9, 9, 9, -1], np.float32).reshape(1, 1, 7)
    >>> scored = Scored("case", scores, np.ones((1, 1, 7), bool), lesion, (1.0, 1.0, 1.0))
    >>> value = aupro(Curve.of_case(scored, regions=True), limit=0.3)  # the mean of 1 and 3/4
    >>> round(value, 6)
    0.875
    """
    if curve.regions is None or not (curve.regions.n and curve.n_negative):
        return None
    found = curve.regions.sizes[::-1].astype(np.float64)  # changed in place: a pool has millions of positives
    np.divide(1, found, out=found)
    np.cumsum(found, out=found)
    recall = found[curve.points.tp - 1]
    del found
    recall /= curve.regions.n
    return min(1.0, curve.points.area(recall, limit) / limit)  # sums of 1 / size are rounded


class RegionMetric(VoxelMetric):
    """Base class of metrics that need the lesion of each positive, `Curve.regions`."""

    def case(self, view: View) -> Value | None:
        if view.curve.regions is None and view.scored is not None:
            return self.of(Curve.of_case(view.scored, regions=True), view.threshold)
        return super().case(view)

    def pooled(self, view: View) -> Value | None:
        with_regions = view.curve.regions is not None or not view.curve.n_brain
        return super().pooled(view) if with_regions else None


class Aupro(RegionMetric):
    """AUPRO up to the false-positive rate `limit`; see the function `aupro`.

    0.3 is the limit of MVTec and of most papers. In a brain it is a very large false-positive rate: 0.05 is the
    stricter variant.

    >>> from uad_bench.types import Scored
    >>> full, lesion = np.ones((1, 1, 4), bool), np.array([[[True, False, False, False]]])
    >>> scored = Scored("case", np.zeros((1, 1, 4), np.float32), full, lesion, (1.0, 1.0, 1.0))
    >>> round(Aupro30().case(View.of_case(scored)).value, 6)  # a map of one value: limit / 2
    0.15
    """

    limit: ClassVar[float]

    def of(self, curve: Curve, threshold: float | None) -> Value:
        value = aupro(curve, self.limit)
        if value is not None:
            return Value(value)
        if not curve.n_brain:
            return Value(None, "empty_brain")
        return Value(None, "no_negative" if curve.regions and curve.regions.n else "no_positive")


Aupro30 = variant(Aupro, "aupro30")
Aupro05 = variant(Aupro, "aupro05")
