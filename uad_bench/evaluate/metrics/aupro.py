"""AUPRO: how much of each lesion is found, averaged over lesions, against the false-positive rate.

A lesion is a 26-connected component of the lesion mask in 3-D. Its recall is over all its voxels: those
outside the brain mask count as missed, and a lesion wholly outside has recall 0. Voxels that the preparation
lost belong to no lesion that is known. The curve is the mean recall over lesions against the share of the
brain's other voxels at or above the threshold; its area up to a limit, exact over all thresholds, is divided
by the limit. A constant map has limit / 2, a perfect one 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.sorted_scores import Scores, keys
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.voxel import VoxelMetric
from uad_bench.types import BoolArray, Scored, Value

Sizes = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Regions:
    """The lesions of a curve. sizes: voxels of the lesion that each of its sorted positives belongs to; n: lesions."""

    sizes: Sizes
    n: int

    @classmethod
    def of_case(cls, scored: Scored) -> tuple["Regions", Scores]:
        """The lesions of a case, and its sorted positives."""
        box = _box(scored.lesion_mask)
        lesion = scored.lesion_mask[box]
        labels, n = ndimage.label(lesion, np.ones((3, 3, 3)))
        found, label = scored.brain_mask[box][lesion], labels[lesion]
        sizes = np.bincount(label)[label[found]].astype(np.uint32)
        return cls._sorted(scored.map[box][lesion][found], sizes, n)

    @classmethod
    def pool(cls, regions: Sequence["Regions"], positives: Sequence[Scores]) -> tuple["Regions", Scores]:
        """The lesions of several cases together, and their sorted positives."""
        sizes = np.concatenate([one.sizes for one in regions])
        return cls._sorted(np.concatenate(positives), sizes, sum(one.n for one in regions))

    @classmethod
    def _sorted(cls, positives: Scores, sizes: Sizes, n: int) -> tuple["Regions", Scores]:
        """By score, then by size, so that sums of recall do not depend on the order of the cases."""
        if positives.dtype != np.float32:
            order = np.lexsort((sizes, positives))
            return cls(sizes[order], n), positives[order]
        # The same order by one sort of 64-bit integers, without an index array.
        packed = (keys(positives).astype(np.uint64) << np.uint64(32)) | sizes
        packed.sort()
        key = (packed >> np.uint64(32)).astype(np.uint32)
        bits = key ^ (((key >> 31) - np.uint32(1)) | np.uint32(1 << 31))
        return cls(packed.astype(np.uint32), n), bits.view(np.float32)


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """The smallest box that holds a mask (X, Y, Z); `find_objects` looks at every voxel's label and takes longer."""
    places = np.unravel_index(np.flatnonzero(mask), mask.shape)
    return tuple(slice(int(at.min()), int(at.max()) + 1) if at.size else slice(0, 0) for at in places)


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
