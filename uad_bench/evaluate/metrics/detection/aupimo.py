"""AUPIMO: sensitivity within each lesion case at very few false positives on healthy scans (Bertoldo et al. 2024).

The false-positive rate of a threshold is the mean over the healthy test scans of the share of their brain voxels at
or above it: all lesion cases share it, and the lesion cases themselves have no part in it. The sensitivity of a lesion
case at a rate F is the largest one of a threshold with a rate of at most F; its AUPIMO is the mean sensitivity over
log F, F from 1e-5 to 1e-4. The integral is exact over all distinct scores; the published code samples thresholds.

Of a healthy scan the highest 5 % of the scores are kept. With up to 500 healthy scans the value is exact: a scan with
more scores above a threshold alone brings the mean rate above 1e-4.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.curves.operating_points import Scores
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.types import Value

LOWEST, HIGHEST = 1e-5, 1e-4
#: The share of the scores of a healthy scan that is kept, and up to how many healthy scans this is enough.
KEPT, MOST = 0.05, 500


class Tail(NamedTuple):
    """Of a healthy scan: its highest scores, ascending, and its number of brain voxels."""

    scores: Scores
    n: int


class Lesion(NamedTuple):
    """Of a lesion case: the scores of its lesion voxels, ascending, and their number with those that have no score."""

    scores: Scores
    n: int


class Levels(NamedTuple):
    """Distinct healthy scores, the highest first, and the share of the log range of rates that each one bounds, (k,).

    At a rate in that share, the lowest threshold allowed lies just above the score.
    """

    scores: Scores
    weights: npt.NDArray[np.float64]


def levels(healthy: Sequence[Tail]) -> Levels:
    """The levels of some healthy scans; the weights add up to 1.

    >>> found = levels([Tail(np.arange(2, dtype=np.float32), 20_000)])
    >>> found.scores, found.weights.round(3)  # rates 5e-5 and 1e-4
    (array([1., 0.], dtype=float32), array([0.699, 0.301]))
    """
    scores = np.concatenate([one.scores for one in healthy])
    shares = np.repeat([1 / one.n for one in healthy], [one.scores.size for one in healthy])
    order = np.lexsort((shares, scores))[::-1]
    scores, rates = scores[order], np.cumsum(shares[order]) / len(healthy)
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    edges = np.log(np.clip(np.concatenate([[0.0], rates[last]]), LOWEST, HIGHEST))
    weights = np.diff(edges) / math.log(HIGHEST / LOWEST)
    return Levels(scores[last][weights > 0], weights[weights > 0])


def sensitivity(case: Lesion, at: Levels) -> float:
    """The AUPIMO of one case."""
    found = case.scores.size - np.searchsorted(case.scores, at.scores, side="right")
    return float(np.sum(at.weights * found)) / case.n


@declared("aupimo")
class Aupimo(Metric):
    """The mean AUPIMO of the lesion cases, in [0, 1]. Higher is better. The value of a set of cases only.

    Undefined: `no_positive` (no lesion case), `no_healthy`, `many_healthy` (more than 500 healthy scans).

    >>> from uad_bench.types import Scored
    >>> def scan(case_id, scores, lesion, healthy):
    ...     grid = np.array(scores, np.float32).reshape(1, 1, -1)
    ...     return Scored(case_id, grid, grid > -1, np.reshape(lesion, grid.shape), (1.0, 1.0, 1.0), healthy)
    >>> healthy = scan("h", range(100_000), np.zeros(100_000, bool), True)
    >>> lesion = scan("a", [99_994.5, 200_000, 0], [True, True, False], False)
    >>> kept = [Aupimo().keep(View.of_case(one)) for one in (healthy, lesion)]
    >>> round(Aupimo().joined(kept).value, 3)  # the second voxel at all rates, the first from 5e-5 on
    0.651
    """

    population = "both"

    def keep(self, view: View) -> Tail | Lesion | None:
        curve = view.curve
        if of_case(view).healthy:
            run = curve.negatives[0]
            return Tail(run[run.size - math.ceil(KEPT * run.size) :].copy(), run.size) if run.size else None
        return Lesion(curve.positives, curve.n_positive) if curve.n_brain and curve.n_positive else None

    def joined(self, kept: Sequence[Tail | Lesion]) -> Value | None:
        healthy = [one for one in kept if isinstance(one, Tail)]
        cases = [one for one in kept if isinstance(one, Lesion)]
        if not (healthy and cases):
            return Value(None, "no_healthy" if cases else "no_positive")
        if len(healthy) > MOST:
            return Value(None, "many_healthy")
        at = levels(healthy)
        mean = math.fsum(sensitivity(case, at) for case in cases) / len(cases)
        return Value(min(1.0, mean))  # the weights are rounded
