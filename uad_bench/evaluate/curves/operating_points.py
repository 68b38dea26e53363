"""Areas, the best Dice and sensitivities, computed exactly from a table of operating points of a case or of a pool.

The table has one row for each distinct score of a positive, the highest first. This is enough: average precision
changes only where recall changes; the best Dice is reached at the score of a positive, as a threshold between two
positives adds false positives only; and a curve over the false-positive rate rises only there. Equal scores are one
operating point, as in scikit-learn.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: Rows computed together: the table of a pool has millions, and each intermediate array as many.
_PART = 1 << 20


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """One row for each distinct score of a positive, from the highest threshold to the lowest; arrays (K,).

    tp: the number of positives at or above the threshold. fp: negatives at or above it. fp_above: negatives above it.
    n_positive: all positives, missed ones included. n_negative: all negatives.

    >>> from uad_bench.evaluate.curves.curve import Curve
    >>> points = Curve.of(np.float32([3, 2, 1, 0]), np.array([True, False, True, False])).points
    >>> points.thresholds, points.tp, points.fp
    (array([3., 1.], dtype=float32), array([1, 2]), array([0, 1]))
    >>> points.auroc(), points.sensitivity(0.05), points.partial_auroc(1.0)
    (0.75, 0.5, 0.75)
    """

    thresholds: Scores
    tp: Counts
    fp: Counts
    fp_above: Counts
    n_positive: int
    n_negative: int

    @classmethod
    def counted(
        cls, values: Scores, at: Counts, below: Counts, up_to: Counts, missed: int, n_negative: int
    ) -> "OperatingPoints":
        """From the distinct scores of positives, ascending: positives at, negatives below, negatives up to each one.

        The arrays are changed in place, not copied: for BraTS each has 18 million rows.
        """
        values += 0.0  # -0.0 and 0.0 are one threshold, printed as 0.0
        tp = np.cumsum(at[::-1])
        fp, fp_above = (np.subtract(n_negative, n, out=n)[::-1] for n in (below, up_to))
        return cls(values[::-1], tp, fp, fp_above, int(at.sum()) + missed, n_negative)

    @property
    def gained(self) -> Counts:
        """The number of positives at each threshold."""
        gained = self.tp.copy()
        gained[1:] -= self.tp[:-1]
        return gained

    def _parts(self) -> Iterator[tuple[slice, Counts, Counts, Counts]]:
        """Some rows at a time: which ones, the positives gained at each of them, tp and fp."""
        for start in range(0, self.tp.size, _PART):
            part = slice(start, start + _PART)
            tp = self.tp[part]
            yield part, np.diff(tp, prepend=self.tp[start - 1] if start else 0), tp, self.fp[part]

    def ap(self) -> float | None:
        """Average precision, Σ (R_n - R_(n-1)) P_n, in [0, 1]; None without a positive."""
        if not self.n_positive:
            return None
        terms = np.empty(self.tp.size)  # summed at once: the last bits of a sum depend on its order
        for part, gained, tp, fp in self._parts():
            terms[part] = gained * (tp / (tp + fp))
        return float(np.sum(terms)) / self.n_positive

    def auroc(self) -> float | None:
        """P(positive > negative) + P(equal) / 2, in [0, 1]; missed positives rank last; None without both classes."""
        if not (self.n_positive and self.n_negative):
            return None
        # Counted in half pairs, so that the sum is an exact integer.
        halves = sum(
            int(np.sum(gained * (2 * self.n_negative - fp - self.fp_above[part])))
            for part, gained, _, fp in self._parts()
        )
        return halves / (2 * self.n_positive * self.n_negative)

    def partial_auroc(self, limit: float) -> float | None:
        """The area under the ROC curve up to a false-positive rate of `limit`, standardised; None without both classes.

        (1 + (area - limit²/2) / (limit - limit²/2)) / 2: 0.5 for a random score, 1 for a perfect one (McClish 1989, as
        scikit-learn's `roc_auc_score(max_fpr=...)`).
        """
        if not (self.n_positive and self.n_negative):
            return None
        chance = limit * limit / 2
        return (1 + (self.area(self.tp / self.n_positive, limit) - chance) / (limit - chance)) / 2

    def sensitivity(self, limit: float) -> float | None:
        """The largest sensitivity at a false-positive rate of at most `limit`; None without both classes."""
        if not (self.n_positive and self.n_negative):
            return None
        # The quotient fp / n is compared, as limit * n may be rounded: 1 of 20 is 0.05, but 20 * 0.05 need not be 1.
        found = [
            int(np.max(tp, where=fp / self.n_negative <= limit, initial=0)) for _, _, tp, fp in self._parts()
        ]
        return max(found, default=0) / self.n_positive

    def best_dice(self) -> tuple[float, float] | None:
        """The largest Dice and the highest threshold that reaches it; None without a positive.

        (0, inf) where every positive is missed.
        """
        if not self.n_positive:
            return None
        if not self.tp.size:
            return 0.0, float("inf")
        best, row = -1.0, 0
        for part, _, tp, fp in self._parts():
            dice = 2 * tp / (tp + fp + self.n_positive)
            highest = int(np.argmax(dice))
            if dice[highest] > best:
                best, row = float(dice[highest]), part.start + highest
        return best, float(self.thresholds[row])

    def area(self, heights: Floats, limit: float) -> float:
        """The area under a curve over the false-positive rate, from 0 to `limit`, where it is cut by interpolation.

        heights: the height of the curve at each threshold, (K,). The curve is linear over the negatives whose score is
        equal to a threshold, and constant over those between two thresholds. Needs a negative.
        """
        end = limit * self.n_negative
        slopes, levels = np.empty(heights.size), np.empty(heights.size)
        for first in range(0, heights.size, _PART):
            part = slice(first, first + _PART)
            start, stop = np.minimum(self.fp_above[part], end), np.minimum(self.fp[part], end)
            height = heights[part]
            before = np.concatenate([heights[first - 1 : first] if first else np.zeros(1), height[:-1]])
            tied = self.fp[part] - self.fp_above[part]
            share = np.divide(stop - start, tied, out=np.zeros(tied.size), where=tied > 0)
            slopes[part] = (stop - start) * (before + (height - before) * share / 2)
            following = np.minimum(self.fp_above[first + _PART : first + _PART + 1], end)
            after = np.concatenate([start[1:], following if following.size else [end]])
            levels[part] = (after - stop) * height
        return (float(np.sum(slopes)) + float(np.sum(levels))) / self.n_negative
