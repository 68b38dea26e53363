"""What is read off the operating points of one case or of a pool: areas, the best Dice, sensitivities.

The table has one row for each distinct positive value, the highest first. Average precision changes only where
recall changes, the best Dice is only ever reached at a positive's value (a threshold between two positives
adds false positives and nothing else), and a curve over the false-positive rate rises only there. So the
table answers all of them exactly. Equal scores are one operating point, as in scikit-learn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """One row for each distinct positive value, from the highest threshold to the lowest; arrays (K,).

    tp: positives at or above the threshold; fp: negatives at or above it; fp_above: negatives above it;
    n_positive: all positives, those that no threshold finds included; n_negative: all negatives.
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
        """From distinct positive values, ascending: positives at, negatives below, negatives up to each.

        The arrays are taken over, not copied: at BraTS size each holds 18 million rows.
        """
        values += 0.0  # -0.0 and 0.0 are one threshold; print it as 0.0
        tp = np.cumsum(at[::-1])
        fp, fp_above = (np.subtract(n_negative, n, out=n)[::-1] for n in (below, up_to))
        return cls(values[::-1], tp, fp, fp_above, int(at.sum()) + missed, n_negative)

    @property
    def gained(self) -> Counts:
        """Positives at each threshold."""
        return np.diff(self.tp, prepend=0)

    def ap(self) -> float | None:
        """Average precision, the step sum of (R_n - R_n-1) P_n; None without a positive."""
        if not self.n_positive:
            return None
        return float(np.sum(self.gained * (self.tp / (self.tp + self.fp)))) / self.n_positive

    def auroc(self) -> float | None:
        """P(positive > negative) + P(equal) / 2, missed positives below all; None without both classes."""
        if not (self.n_positive and self.n_negative):
            return None
        # In halves of a pair, so that the sum is exact in integers.
        halves = int(np.sum(self.gained * (2 * self.n_negative - self.fp - self.fp_above)))
        return halves / (2 * self.n_positive * self.n_negative)

    def partial_auroc(self, limit: float) -> float | None:
        """The ROC area up to a false-positive rate of `limit`, standardised; None without both classes.

        (1 + (area - limit² / 2) / (limit - limit² / 2)) / 2: chance is 0.5, the best 1 (McClish 1989, as
        scikit-learn's `max_fpr`).
        """
        if not (self.n_positive and self.n_negative):
            return None
        chance = limit * limit / 2
        return (1 + (self.area(self.tp / self.n_positive, limit) - chance) / (limit - chance)) / 2

    def sensitivity(self, limit: float) -> float | None:
        """The largest sensitivity of any threshold with a false-positive rate of at most `limit`."""
        if not (self.n_positive and self.n_negative):
            return None
        # The quotient, not limit * n: 0.05 is the quotient 1 / 20, and 20 * 0.05 need not be 1.
        allowed = self.fp / self.n_negative <= limit
        return int(np.max(self.tp, where=allowed, initial=0)) / self.n_positive

    def best_dice(self) -> tuple[float, float] | None:
        """(Dice, threshold) with the best Dice, the highest such threshold; None without a positive.

        (0, inf) where every positive is missed.
        """
        if not self.n_positive:
            return None
        if not self.tp.size:
            return 0.0, float("inf")
        dice = 2 * self.tp / (self.tp + self.fp + self.n_positive)
        best = int(np.argmax(dice))
        return float(dice[best]), float(self.thresholds[best])

    def area(self, heights: Floats, limit: float) -> float:
        """Area under a curve over the false-positive rate, from 0 to `limit` (cut there by a straight line).

        heights: (K,), what the curve has reached at each threshold. It slopes over the negatives that share
        a threshold's score, and is level over those between two thresholds. Needs a negative.
        """
        end = limit * self.n_negative
        start, stop = np.minimum(self.fp_above, end), np.minimum(self.fp, end)
        before = np.concatenate([np.zeros(1), heights[:-1]]) if heights.size else heights
        tied = self.fp - self.fp_above
        share = np.divide(stop - start, tied, out=np.zeros(tied.size), where=tied > 0)
        slopes = (stop - start) * (before + (heights - before) * share / 2)
        levels = (np.append(start[1:], end)[: stop.size] - stop) * heights
        return (float(np.sum(slopes)) + float(np.sum(levels))) / self.n_negative
