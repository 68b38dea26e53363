"""Image-level detection: is there a lesion in a scan, or in a slice? No threshold is involved.

Cases. `case_auroc_*` and `case_ap_*` rank lesion cases and healthy test scans by one score each: the largest score
(max), the mean (mean) or the 99 % quantile (q99: the next score above, as in `healthy_q99`) of the brain. There are
pooled values only. A case without a brain takes no part, nor does a case that is not healthy and has no lesion voxel.
Undefined: `no_positive`, `no_healthy`.

Slices. `slice_auroc_*` and `slice_ap_*` rank the axial slices of lesion cases by the largest score or the 99 %
quantile of the brain voxels of the slice. A slice is positive where it has a lesion voxel, inside the brain or
outside; slices without brain take no part. There are values per case, and pooled over the slices of all cases.
Undefined: `empty_brain`, `no_positive`, `no_negative` (no slice without lesion).

Equal scores are one operating point; AUROC counts a tie as one half. All lie in [0, 1], higher is better. A ranking of
cases from two datasets may rank their scanners: compare within one dataset.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.sorted_scores import rank_of_quantile
from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.evaluate.metrics.declarations.classes import variant
from uad_bench.types import BoolArray, Scored, Value

Floats = npt.NDArray[np.float64]
Area = Literal["auroc", "ap"]
Score = Literal["max", "mean", "q99"]


class Ranked(NamedTuple):
    """Cases or slices to rank: the score of each, and whether it is positive, (n,) both."""

    scores: Floats
    positive: BoolArray

    def value(self, area: Area, no_negative: str) -> Value:
        """AUROC or average precision; `no_negative` is the reason where all are positive.

        >>> ranked = Ranked(np.array([0.9, 0.2, 0.5]), np.array([True, True, False]))
        >>> ranked.value("auroc", "no_negative").value
        0.5
        """
        if not self.positive.any():
            return Value(None, "no_positive")
        if self.positive.all():
            return Value(None, no_negative)
        curve = Curve.of(self.scores, self.positive)
        return Value(curve.auroc() if area == "auroc" else curve.ap())


def joined(members: Sequence[Ranked]) -> Ranked:
    """All members of several sets together."""
    scores = np.concatenate([np.empty(0), *(one.scores for one in members)])
    return Ranked(scores, np.concatenate([np.empty(0, bool), *(one.positive for one in members)]))


class CaseMetric(Metric):
    """AUROC (`area` "auroc") or average precision ("ap") of lesion cases against healthy scans, by one score a case.

    score: "max", "mean" or "q99" of the brain. Pooled only.

    >>> def scan(case_id, score, healthy):
    ...     full = np.ones((1, 1, 2), bool)
    ...     anomaly_map = np.array([[[0, score]]], np.float32)
    ...     return Scored(case_id, anomaly_map, full, full & (not healthy), (1.0, 1.0, 1.0), healthy)
    >>> cases = [scan("a", 0.9, False), scan("b", 0.3, False), scan("h", 0.4, True)]
    >>> CaseAurocMax().joined([CaseAurocMax().keep(View.of_case(case)) for case in cases]).value
    0.5
    """

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
    """AUROC (`area` "auroc") or average precision ("ap") of axial slices with lesion against those without.

    score: "max" or "q99" of the brain voxels of a slice.

    >>> anomaly_map = np.array([0.9, 0.3, 0.4], np.float32).reshape(1, 1, 3)  # three slices of one voxel
    >>> lesion = np.array([True, True, False]).reshape(1, 1, 3)
    >>> scored = Scored("case", anomaly_map, np.ones((1, 1, 3), bool), lesion, (1.0, 1.0, 1.0))
    >>> SliceAurocMax().case(View.of_case(scored)).value
    0.5
    """

    area: ClassVar[Area] = "auroc"
    score: ClassVar[Score] = "max"

    def case(self, view: View) -> Value | None:
        kept = self.keep(view)
        return kept.value(self.area, "no_negative") if kept else Value(None, "empty_brain")

    def keep(self, view: View) -> Ranked | None:
        scored = of_case(view)
        with_brain = _slices_with(scored.brain_mask)
        if not with_brain.any():
            return None
        positive = _slices_with(scored.lesion_mask)[with_brain]
        return Ranked(once(scored, _slice_scores)[self.score], positive)

    def joined(self, kept: Sequence[Ranked]) -> Value | None:
        return joined(kept).value(self.area, "no_negative")


def _slices_with(mask: BoolArray) -> BoolArray:
    """Whether each axial slice has a voxel of the mask, (Z,)."""
    found: BoolArray = np.any(mask, axis=(0, 1))
    return found


def _case_scores(scored: Scored) -> dict[str, float]:
    scores = scored.map[scored.brain_mask]
    return {
        "max": float(scores.max()),
        "mean": float(scores.mean(dtype=np.float64)),
        "q99": float(_q99(scores)),
    }


def _q99(scores: npt.NDArray[np.floating[Any]]) -> np.floating[Any]:
    """The 99 % quantile of some scores, (n,) with n > 0; between two of them, the higher one."""
    rank = rank_of_quantile(scores.size, 99)
    found: np.floating[Any] = np.partition(scores, rank)[rank]
    return found


def _slice_scores(scored: Scored) -> dict[str, Floats]:
    """The scores of the axial slices with brain, from the lowest upwards."""
    brain = np.ascontiguousarray(scored.brain_mask.transpose(2, 0, 1))
    scores = scored.map.transpose(2, 0, 1)[brain]
    counts = np.count_nonzero(brain, axis=(1, 2))
    slices = np.split(scores, np.cumsum(counts[counts > 0])[:-1])
    largest, q99 = [one.max() for one in slices], [_q99(one) for one in slices]
    return {"max": np.array(largest, np.float64), "q99": np.array(q99, np.float64)}


CaseAurocMax = variant(CaseMetric, "case_auroc_max")
CaseAurocMean = variant(CaseMetric, "case_auroc_mean")
CaseAurocQ99 = variant(CaseMetric, "case_auroc_q99")
CaseApMax = variant(CaseMetric, "case_ap_max")
CaseApMean = variant(CaseMetric, "case_ap_mean")
CaseApQ99 = variant(CaseMetric, "case_ap_q99")
SliceAurocMax = variant(SliceMetric, "slice_auroc_max")
SliceAurocQ99 = variant(SliceMetric, "slice_auroc_q99")
SliceApMax = variant(SliceMetric, "slice_ap_max")
SliceApQ99 = variant(SliceMetric, "slice_ap_q99")
