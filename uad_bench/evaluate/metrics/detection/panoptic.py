"""Panoptic quality: how many lesions are found, and how well those that are found are outlined, in one number.

A lesion and a component are paired where their intersection over union (IoU) is above 0.5; a voxel of the one then
belongs to no other pair, so the pairs need no matching (Kirillov et al. 2019). With L lesions, F components, m pairs:
    PQ   sum of the IoU of the pairs / (m + (L - m) / 2 + (F - m) / 2)  =  SQ * RQ
    RQ   recognition quality, 2 m / (L + F): the lesion-wise F1 at IoU > 0.5
    SQ   segmentation quality, the mean IoU of the pairs; 0 without a pair
Lesions and components are those of `lesion_recall`. Pooled values are made of sums over cases.
"""

import numpy as np

from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, ratio
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.evaluate.metrics.lesion import overlaps
from uad_bench.types import Value


class PanopticMetric(Counted):
    """Base class. Counts: the sum of the IoU of all pairs, pairs, lesions, components."""

    def counts(self, view: View) -> Sums:
        both = overlaps(view)
        union = both.truth.sizes[both.lesion] + both.found.sizes[both.finding] - both.shared
        paired = 2 * both.shared > union
        quality = float(np.sum(both.shared[paired] / union[paired]))
        return np.array([quality, np.count_nonzero(paired), both.truth.n, both.found.n], np.float64)


@declared("pq")
class PanopticQuality(PanopticMetric):
    """The panoptic quality, in [0, 1]. Higher is better.

    Undefined: `empty_brain`, `no_threshold`, `no_positive`, `no_case` (pooled).

    >>> from uad_bench.types import Scored
    >>> lesion, prediction = np.zeros((1, 1, 12), bool), np.zeros((1, 1, 12), np.float32)
    >>> lesion[..., :4] = lesion[..., 6:8] = True
    >>> prediction[..., :3] = 1  # IoU 3/4 with the first lesion; the second lesion is missed
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> PanopticQuality().case(View.of_case(scored, threshold=0.5)).value  # 0.75 / (1 + 1/2)
    0.5
    """

    def of(self, sums: Sums) -> Value:
        return ratio(2 * sums[0], sums[2] + sums[3], "no_positive") if sums[2] else Value(None, "no_positive")


@declared("rq")
class RecognitionQuality(PanopticMetric):
    """The recognition quality, in [0, 1]. Higher is better. Undefined as `PanopticQuality`.

    >>> from uad_bench.types import Scored
    >>> lesion = np.array([True, True, False, True]).reshape(1, 1, 4)
    >>> prediction = np.array([1, 1, 0, 0], np.float32).reshape(1, 1, 4)
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> round(RecognitionQuality().case(View.of_case(scored, threshold=0.5)).value, 3)
    0.667
    """

    def of(self, sums: Sums) -> Value:
        return ratio(2 * sums[1], sums[2] + sums[3], "no_positive") if sums[2] else Value(None, "no_positive")


@declared("sq")
class SegmentationQuality(PanopticMetric):
    """The segmentation quality, 0 without a pair and otherwise in (0.5, 1]. Higher is better.

    It says nothing about lesions that are missed as long as one is paired. Undefined as `PanopticQuality`.

    >>> from uad_bench.types import Scored
    >>> lesion = np.array([True, True, True, False]).reshape(1, 1, 4)
    >>> prediction = np.array([1, 1, 1, 1], np.float32).reshape(1, 1, 4)
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> SegmentationQuality().case(View.of_case(scored, threshold=0.5)).value
    0.75
    """

    def of(self, sums: Sums) -> Value:
        if not sums[2]:
            return Value(None, "no_positive")
        return Value(float(sums[0] / sums[1]) if sums[1] else 0.0)
