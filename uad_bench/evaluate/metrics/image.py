"""Image-level metrics: does a scan, or a slice, hold a lesion at all? No threshold is involved.

Cases. `case_auroc_*` and `case_ap_*` rank the healthy test scans and the lesion cases by one score each: the largest
(max), the mean (mean) or the 99 % quantile (q99: the next score above, as in `healthy_q99`) of the scores in the
brain. They are pooled only. A case without a brain, or that is not healthy but has no lesion voxel, takes no part.
Reasons: `no_healthy`, `no_positive`.

Slices. `slice_auroc_*` and `slice_ap_*` rank the axial slices of lesion cases by the largest score or the 99 %
quantile of the slice's brain voxels. A slice is positive where it holds a lesion voxel, in the brain or outside
it; slices without brain take no part. Per case, and pooled over all slices of all cases. Reasons: `no_positive`,
`no_negative` (no slice without lesion), `empty_brain`.

Equal scores are one operating point; AUROC counts a tie as half. Between data sets, a scanner is recognised as easily
as a lesion: compare within one data set.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.types import BoolArray, Scored, Value

Floats = npt.NDArray[np.float64]
Area = Literal["auroc", "ap"]
Score = Literal["max", "mean", "q99"]


class Ranked(NamedTuple):
    """Things to rank: the score of each, and whether it is positive, (n,) both."""

    scores: Floats
    positive: BoolArray

    def value(self, area: Area, no_negative: str) -> Value:
        """Their AUROC or average precision, where there are both classes."""
        if not self.positive.any():
            return Value(None, "no_positive")
        if self.positive.all():
            return Value(None, no_negative)
        curve = Curve.of(self.scores, self.positive)
        return Value(curve.auroc() if area == "auroc" else curve.ap())


def joined(members: Sequence[Ranked]) -> Ranked:
    """All of several sets together."""
    scores = np.concatenate([np.empty(0), *(one.scores for one in members)])
    return Ranked(scores, np.concatenate([np.empty(0, bool), *(one.positive for one in members)]))


class CaseMetric(Metric):
    """Derive and name `area` and `score`."""

    population: ClassVar[Literal["lesion", "healthy", "both"]] = "both"
    area: ClassVar[Area] = "auroc"
    score: ClassVar[Score] = "max"

    def keep(self, view: View) -> Ranked | None:
        scored = of_case(view)
        positive = not scored.healthy
        if not scored.brain_mask.any() or (positive and not (scored.lesion_mask.any() or scored.lost)):
            return None
        return Ranked(np.array([once(scored, _case_scores)[self.score]]), np.array([positive]))

    def joined(self, kept: Sequence[Ranked]) -> Value | None:
        return joined(kept).value(self.area, "no_healthy")


class SliceMetric(Metric):
    """Derive and name `area` and `score` ("max" or "q99")."""

    area: ClassVar[Area] = "auroc"
    score: ClassVar[Score] = "max"

    def case(self, view: View) -> Value | None:
        kept = self.keep(view)
        return kept.value(self.area, "no_negative") if kept else Value(None, "empty_brain")

    def keep(self, view: View) -> Ranked | None:
        scored = of_case(view)
        with_brain = _with_any(scored.brain_mask)
        if not with_brain.any():
            return None
        positive = _with_any(scored.lesion_mask)[with_brain]
        return Ranked(once(scored, _slice_scores)[self.score], positive)

    def joined(self, kept: Sequence[Ranked]) -> Value | None:
        return joined(kept).value(self.area, "no_negative")


def _with_any(mask: BoolArray) -> BoolArray:
    """Which axial slices hold a voxel of the mask, (Z,)."""
    found: BoolArray = np.any(mask, axis=(0, 1))
    return found


def _case_scores(scored: Scored) -> dict[str, float]:
    scores = scored.map[scored.brain_mask]
    return {
        "max": float(scores.max()),
        "mean": float(scores.mean(dtype=np.float64)),
        "q99": float(np.quantile(scores, 0.99, method="higher")),
    }


def _slice_scores(scored: Scored) -> dict[str, Floats]:
    """Of every axial slice with brain, from the lowest upwards."""
    brain = np.ascontiguousarray(scored.brain_mask.transpose(2, 0, 1))
    scores = scored.map.transpose(2, 0, 1)[brain]
    counts = np.count_nonzero(brain, axis=(1, 2))
    slices = np.split(scores, np.cumsum(counts[counts > 0])[:-1])
    q99 = [np.quantile(one, 0.99, method="higher") for one in slices]
    return {"max": np.array([one.max() for one in slices], np.float64), "q99": np.array(q99, np.float64)}


class CaseAurocMax(CaseMetric):
    name, score = "case_auroc_max", "max"
    summary = "AUROC of lesion cases among healthy scans, by the largest score"


class CaseAurocMean(CaseMetric):
    name, score = "case_auroc_mean", "mean"
    summary = "AUROC of lesion cases among healthy scans, by the mean score"


class CaseAurocQ99(CaseMetric):
    name, score = "case_auroc_q99", "q99"
    summary = "AUROC of lesion cases among healthy scans, by the 99 % quantile"


class CaseApMax(CaseMetric):
    name, area, score = "case_ap_max", "ap", "max"
    summary = "average precision of lesion cases among healthy scans, by the largest score"


class CaseApMean(CaseMetric):
    name, area, score = "case_ap_mean", "ap", "mean"
    summary = "average precision of lesion cases among healthy scans, by the mean score"


class CaseApQ99(CaseMetric):
    name, area, score = "case_ap_q99", "ap", "q99"
    summary = "average precision of lesion cases among healthy scans, by the 99 % quantile"


class SliceAurocMax(SliceMetric):
    name, score = "slice_auroc_max", "max"
    summary = "AUROC of axial slices with lesion, by the largest score"


class SliceAurocQ99(SliceMetric):
    name, score = "slice_auroc_q99", "q99"
    summary = "AUROC of axial slices with lesion, by the 99 % quantile"


class SliceApMax(SliceMetric):
    name, area, score = "slice_ap_max", "ap", "max"
    summary = "average precision of axial slices with lesion, by the largest score"


class SliceApQ99(SliceMetric):
    name, area, score = "slice_ap_q99", "ap", "q99"
    summary = "average precision of axial slices with lesion, by the 99 % quantile"
