"""Lesion-wise metrics: which lesions are found, and which findings are lesions, whatever their size.

A lesion is a 26-connected component of the lesion mask, in the brain or outside it; a finding is one of the
prediction (map >= threshold inside the brain, after the protocol's clean-up). Lesion voxels that were lost on
the way to the grid (`Scored.lost`) belong to no component and are not counted here.

Any overlap (Commowick et al., Sci. Rep. 2018): a lesion is found where it shares a voxel with the prediction, a
finding is right where it shares one with the lesion mask; one finding may find several lesions.
    recall = lesions found / lesions, precision = findings right / findings, F1 = their harmonic mean.
IoU >= t: lesions and findings are paired one to one, both used once, only where their intersection over union is
at least t, as many pairs as there can be (a maximum bipartite matching: no order of search matters). With m
pairs recall = m / lesions, precision = m / findings, F1 = 2 m / (lesions + findings).

Without a lesion none of them is defined (`no_positive`). A case with lesions and no finding has precision 0 and
F1 0: silence is not rewarded. Pooled values are made of the counts summed over the cases.
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
from uad_bench.types import BoolArray, Scored, Value


def lesions(scored: Scored) -> Components:
    """The lesions of a case, shared by all rules."""
    return once(scored, _lesions)


def findings(view: View) -> Components:
    """The components of a prediction, shared by all metrics of a rule."""
    return once(view, _findings)


@dataclass(frozen=True)
class Overlaps:
    """Which lesion shares voxels with which finding: `lesion[i]` with `finding[i]`, `shared[i]` of them."""

    truth: Components
    found: Components
    lesion: Indices
    finding: Indices
    shared: Indices

    @cached_property
    def hit(self) -> BoolArray:
        """Whether each lesion is found by any overlap, (lesions,)."""
        return np.bincount(self.lesion, minlength=self.truth.n) > 0

    @cached_property
    def right(self) -> BoolArray:
        """Whether each finding touches a lesion, (findings,)."""
        return np.bincount(self.finding, minlength=self.found.n) > 0

    def pairs(self, iou: float) -> int:
        """The most lesions and findings that can be paired one to one with at least this IoU."""
        union = self.truth.sizes[self.lesion] + self.found.sizes[self.finding] - self.shared
        near = self.shared >= iou * union
        ends = self.lesion[near], self.finding[near]
        graph = csr_array((np.ones(ends[0].size, bool), ends), shape=(self.truth.n, self.found.n))
        return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def overlaps(view: View) -> Overlaps:
    """The overlaps of a case under a rule, shared by all metrics."""
    return once(view, _overlaps)


def _lesions(scored: Scored) -> Components:
    return Components.of(scored.lesion_mask)


def _findings(view: View) -> Components:
    return Components.of(predicted(view))


def _overlaps(view: View) -> Overlaps:
    truth, found = lesions(of_case(view)), findings(view)
    there = found.at(truth.index)
    both = truth.label[there >= 0] * max(found.n, 1) + there[there >= 0]
    pair, shared = np.unique(both, return_counts=True)
    lesion, finding = np.divmod(pair, max(found.n, 1))
    return Overlaps(truth, found, lesion, finding, shared)


class LesionMetric(Counted):
    """Counts: lesions found, lesions, findings that are right, findings. iou: 0 means any overlap."""

    iou: ClassVar[float] = 0.0

    def counts(self, view: View) -> Sums:
        both = overlaps(view)
        found, right = int(both.hit.sum()), int(both.right.sum())
        if self.iou:
            found = right = both.pairs(self.iou)
        return np.array([found, both.truth.n, right, both.found.n], np.float64)


class LesionRecall(LesionMetric):
    """Share of the lesions that are found."""

    name = "lesion_recall"
    summary = "share of lesions found, any overlap"

    def of(self, sums: Sums) -> Value:
        return ratio(sums[0], sums[1], "no_positive")


class LesionPrecision(LesionMetric):
    """Share of the findings that are lesions; 0 where nothing was found."""

    name = "lesion_precision"
    summary = "share of findings that touch a lesion"

    def of(self, sums: Sums) -> Value:
        return Value(_share(sums[2], sums[3])) if sums[1] else Value(None, "no_positive")


class LesionF1(LesionMetric):
    """Harmonic mean of lesion-wise recall and precision."""

    name = "lesion_f1"
    summary = "harmonic mean of lesion-wise recall and precision, any overlap"

    def of(self, sums: Sums) -> Value:
        if not sums[1]:
            return Value(None, "no_positive")
        recall, precision = _share(sums[0], sums[1]), _share(sums[2], sums[3])
        return Value(_share(2 * recall * precision, recall + precision))


class LesionRecallIou10(LesionRecall):
    name = "lesion_recall_iou10"
    summary = "share of lesions paired with a finding, IoU >= 0.1"
    iou = 0.1


class LesionPrecisionIou10(LesionPrecision):
    name = "lesion_precision_iou10"
    summary = "share of findings paired with a lesion, IoU >= 0.1"
    iou = 0.1


class LesionF1Iou10(LesionF1):
    name = "lesion_f1_iou10"
    summary = "lesion-wise F1 of pairs with IoU >= 0.1"
    iou = 0.1


class LesionRecallIou25(LesionRecall):
    name = "lesion_recall_iou25"
    summary = "share of lesions paired with a finding, IoU >= 0.25"
    iou = 0.25


class LesionPrecisionIou25(LesionPrecision):
    name = "lesion_precision_iou25"
    summary = "share of findings paired with a lesion, IoU >= 0.25"
    iou = 0.25


class LesionF1Iou25(LesionF1):
    name = "lesion_f1_iou25"
    summary = "lesion-wise F1 of pairs with IoU >= 0.25"
    iou = 0.25


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
