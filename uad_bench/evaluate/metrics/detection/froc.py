"""Lesion FROC: the share of lesions found against the number of false candidates per scan.

Detections are the candidates of the map (`candidates`), each with the score of its voxel. At a threshold a lesion is
found where a candidate at or above the threshold lies in it; a candidate outside every lesion is false. No threshold
rule is involved, and no component of a thresholded map: one that fills the brain touches all lesions and is not false.

The score is that of LUNA16 (Setio et al. 2017): the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false candidates
per scan, each the largest one of a threshold with at most that many. All scans share the threshold in a pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.evaluate.metrics.detection.candidates import candidates
from uad_bench.evaluate.metrics.lesion import lesions
from uad_bench.types import FloatArray, Scored, Value

#: False candidates per scan.
RATES = (0.125, 0.25, 0.5, 1, 2, 4, 8)


@dataclass(frozen=True, eq=False)
class Detections:
    """Of one scan: the highest score of a candidate in each lesion, -inf without one, and the scores of the others."""

    lesions: FloatArray
    false: FloatArray


def detections(scored: Scored) -> Detections:
    """The detections of a case that has a brain."""
    found, truth = candidates(scored), lesions(scored)
    owner = truth.at(found.index)
    best = np.full(truth.n, -np.inf, found.scores.dtype)  # as the false ones: a tie stays a tie
    np.maximum.at(best, owner[owner >= 0], found.scores[owner >= 0])
    return Detections(best, found.scores[owner < 0])


def sensitivities(members: Sequence[Detections]) -> npt.NDArray[np.float64]:
    """The largest share of lesions found at each of `RATES`, (7,); at least one lesion."""
    best = np.concatenate([one.lesions for one in members])
    false = np.sort(np.concatenate([one.false for one in members]))[::-1]
    shares = []
    for rate in RATES:
        allowed = int(rate * len(members))
        # The threshold is just above the first false candidate that is one too many.
        above = best > (false[allowed] if allowed < false.size else -np.inf)
        shares.append(np.count_nonzero(above) / best.size)
    return np.array(shares)


@declared("froc")
class Froc(Metric):
    """The mean sensitivity for lesions at 1/8 to 8 false candidates per scan, in [0, 1]. Higher is better.

    Undefined: `empty_brain`, `no_positive`, `no_case` (pooled).

    >>> lesion, anomaly_map = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., 1] = lesion[..., 4] = True
    >>> anomaly_map[..., [1, 4, 7]] = 9, 3, 5  # a lesion, a lesion, a false candidate between them
    >>> scored = Scored("case", anomaly_map, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> round(Froc().case(View.of_case(scored)).value, 4)  # 1/2 at 1/8, 1/4 and 1/2; 1 from one false candidate on
    0.7857
    """

    def case(self, view: View) -> Value | None:
        kept = self.keep(view)
        return Value(None, "empty_brain") if kept is None else self.joined([kept])

    def keep(self, view: View) -> Detections | None:
        scored = of_case(view)
        return once(scored, detections) if scored.brain_mask.any() else None

    def joined(self, kept: Sequence[Detections]) -> Value | None:
        if not kept:
            return Value(None, "no_case")
        if not any(one.lesions.size for one in kept):
            return Value(None, "no_positive")
        return Value(float(sensitivities(kept).mean()))
