"""Lesion-wise recall, precision and F1: every lesion and every predicted component weighs the same.

A lesion is a 26-connected component of the lesion mask, inside the brain or outside it. A predicted component, below
"component", is one of the prediction: brain voxels with map >= threshold, after post-processing of the thresholded map.
Lesion voxels that preparation cut off (`Scored.lost`) belong to no lesion and are not counted here.

Any overlap (after Commowick et al. 2018, who demand a minimum overlap): a lesion is found where it shares a voxel with
the prediction; a component is true where it shares a voxel with the lesion mask, and may find several lesions.
    recall = lesions found / lesions, precision = true components / components, F1 = their harmonic mean.
IoU >= t: lesions and components are paired one to one, each used once, only where their intersection over union is
at least t. The number of pairs m is the largest possible (maximum bipartite matching), so no order of search matters.
    recall = m / lesions, precision = m / components, F1 = 2 m / (lesions + components).

Without a lesion none of them is defined (`no_positive`). A case with lesions and without a component has recall,
precision and F1 0. Pooled values are made of the counts summed over cases. All lie in [0, 1], higher is better.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, Sums, of_case, predicted, ratio
from uad_bench.evaluate.metrics.connected_components import Components, Indices
from uad_bench.evaluate.metrics.declarations.classes import declared, variant
from uad_bench.types import BoolArray, Scored, Value


def lesions(scored: Scored) -> Components:
    """The lesions of a case, computed once for all threshold rules."""
    return once(scored, _lesions)


def findings(view: View) -> Components:
    """The components of a case under a threshold rule, computed once for all metrics."""
    return once(view, _findings)


@dataclass(frozen=True)
class Overlaps:
    """The pairs of a lesion and a component that share voxels: `lesion[i]` and `finding[i]` share `shared[i]`."""

    truth: Components
    found: Components
    lesion: Indices
    finding: Indices
    shared: Indices

    @cached_property
    def lesion_found(self) -> BoolArray:
        """Whether each lesion shares a voxel with the prediction, (lesions,)."""
        return np.bincount(self.lesion, minlength=self.truth.n) > 0

    @cached_property
    def finding_true(self) -> BoolArray:
        """Whether each component shares a voxel with the lesion mask, (components,)."""
        return np.bincount(self.finding, minlength=self.found.n) > 0

    def pairs(self, iou: float) -> int:
        """The largest number of one-to-one pairs of a lesion and a component with at least this IoU."""
        union = self.truth.sizes[self.lesion] + self.found.sizes[self.finding] - self.shared
        near = self.shared >= iou * union
        ends = self.lesion[near], self.finding[near]
        if all(np.unique(one).size == one.size for one in ends):
            return int(ends[0].size)  # no lesion and no component has a choice
        graph = csr_array((np.ones(ends[0].size, bool), ends), shape=(self.truth.n, self.found.n))
        return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def overlaps(view: View) -> Overlaps:
    """The overlaps of lesions and components of a case under a threshold rule, computed once for all metrics.

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., :2] = lesion[..., 4:6] = True
    >>> prediction[..., 1] = prediction[..., 8] = 1
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> found = overlaps(View.of_case(scored, threshold=0.5))
    >>> found.lesion_found, found.finding_true, found.pairs(iou=0.25)
    (array([ True, False]), array([ True, False]), 1)
    """
    return once(view, _overlaps)


def _lesions(scored: Scored) -> Components:
    return Components.of(scored.lesion_mask)


def _findings(view: View) -> Components:
    return Components.of(predicted(view))


def _overlaps(view: View) -> Overlaps:
    truth, found = lesions(of_case(view)), findings(view)
    finding_at = found.at(truth.index)
    both = truth.label[finding_at >= 0] * max(found.n, 1) + finding_at[finding_at >= 0]
    pair, shared = np.unique(both, return_counts=True)
    lesion, finding = np.divmod(pair, max(found.n, 1))
    return Overlaps(truth, found, lesion, finding, shared)


class LesionMetric(Counted):
    """Base class. Counts: lesions found, lesions, true components, components. iou: 0 for any overlap."""

    iou: ClassVar[float] = 0.0

    def counts(self, view: View) -> Sums:
        both = overlaps(view)
        found, true = int(both.lesion_found.sum()), int(both.finding_true.sum())
        if self.iou:
            found = true = both.pairs(self.iou)
        return np.array([found, both.truth.n, true, both.found.n], np.float64)


@declared("lesion_recall")
class LesionRecall(LesionMetric):
    """The share of lesions that are found, in [0, 1], by any overlap or by IoU.

    Undefined: `empty_brain`, `no_threshold`, `no_positive`, `no_case` (pooled).

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., :2] = lesion[..., 4:6] = True
    >>> prediction[..., 1] = prediction[..., 8] = 1  # one voxel of the first lesion, and a false component
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> view = View.of_case(scored, threshold=0.5)
    >>> LesionRecall().case(view).value, LesionRecallIou25().case(view).value
    (0.5, 0.5)
    """

    def of(self, sums: Sums) -> Value:
        return ratio(sums[0], sums[1], "no_positive")


@declared("lesion_precision")
class LesionPrecision(LesionMetric):
    """The share of components that are true, in [0, 1], by any overlap or by IoU; 0 for lesions without a component.

    In a pool, the components of cases without a lesion count as false. Undefined as `LesionRecall`.

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., 0] = prediction[..., 0] = prediction[..., 3] = prediction[..., 5] = prediction[..., 8] = 1
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> LesionPrecision().case(View.of_case(scored, threshold=0.5)).value
    0.25
    """

    def of(self, sums: Sums) -> Value:
        return Value(_share(sums[2], sums[3])) if sums[1] else Value(None, "no_positive")


@declared("lesion_f1")
class LesionF1(LesionMetric):
    """The harmonic mean 2 r p / (r + p) of lesion-wise recall r and precision p, in [0, 1]; 0 where both are 0.

    Undefined as `LesionRecall`.

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., 0] = prediction[..., 0] = prediction[..., 3] = prediction[..., 5] = 1  # recall 1, precision 1/3
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> LesionF1().case(View.of_case(scored, threshold=0.5)).value
    0.5
    """

    def of(self, sums: Sums) -> Value:
        if not sums[1]:
            return Value(None, "no_positive")
        recall, precision = _share(sums[0], sums[1]), _share(sums[2], sums[3])
        return Value(_share(2 * recall * precision, recall + precision))


LesionRecallIou10 = variant(LesionRecall, "lesion_recall_iou10")
LesionPrecisionIou10 = variant(LesionPrecision, "lesion_precision_iou10")
LesionF1Iou10 = variant(LesionF1, "lesion_f1_iou10")
LesionRecallIou25 = variant(LesionRecall, "lesion_recall_iou25")
LesionPrecisionIou25 = variant(LesionPrecision, "lesion_precision_iou25")
LesionF1Iou25 = variant(LesionF1, "lesion_f1_iou25")


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
