"""AUPRO: how much of each lesion is found, averaged over lesions, against the false-positive rate.

A lesion is a 26-connected component of the lesion mask in 3-D. Its recall is over all its voxels: those
outside the brain mask count as missed, and a lesion wholly outside has recall 0. Voxels that the preparation
lost belong to no lesion that is known. The curve is the mean recall over lesions against the share of the
brain's other voxels at or above the threshold; its area up to a limit, exact over all thresholds, is divided
by the limit. A constant map has limit / 2, a perfect one 1.
"""

from typing import ClassVar

import numpy as np

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.voxel import VoxelMetric
from uad_bench.types import Value


def aupro(curve: Curve, limit: float) -> float | None:
    """Area under the mean recall of lesions up to a false-positive rate, over the limit; None without both classes."""
    if curve.regions is None or not (curve.regions.n and curve.n_negative):
        return None
    found = np.cumsum(1 / curve.regions.sizes[::-1].astype(np.float64))
    recall = found[curve.points.tp - 1] / curve.regions.n
    return curve.points.area(recall, limit) / limit


class RegionMetric(VoxelMetric):
    """A metric that needs curves with their lesions told apart."""

    def case(self, view: View) -> Value | None:
        if view.curve.regions is None and view.scored is not None:
            return self.of(Curve.of_case(view.scored, regions=True), view.threshold)
        return super().case(view)

    def pooled(self, view: View) -> Value | None:
        told_apart = view.curve.regions is not None or not view.curve.n_brain
        return super().pooled(view) if told_apart else None


class Aupro30(RegionMetric):
    """AUPRO up to a false-positive rate of 0.3, the limit of MVTec and of most papers."""

    name = "aupro30"
    summary = "area under the per-lesion recall curve up to a false-positive rate of 0.3"
    limit: ClassVar[float] = 0.3

    def of(self, curve: Curve, threshold: float | None) -> Value:
        value = aupro(curve, self.limit)
        if value is not None:
            return Value(value)
        if not curve.n_brain:
            return Value(None, "empty_brain")
        return Value(None, "no_negative" if curve.regions and curve.regions.n else "no_positive")


class Aupro05(Aupro30):
    """AUPRO up to a false-positive rate of 0.05: in a brain, 0.3 is a very large false alarm."""

    name = "aupro05"
    summary = "area under the per-lesion recall curve up to a false-positive rate of 0.05"
    limit = 0.05
