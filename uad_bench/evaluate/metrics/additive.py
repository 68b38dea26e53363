"""Metrics made from numbers that add up over cases, so that the pooled value is that of the sums.

Reasons shared by all of them: `empty_brain` (no voxel in the region of interest), `no_threshold` (the rule gave
none; the engine says why), `no_case` (a pool of no case).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.metric import Metric, View
from uad_bench.types import BoolArray, Scored, Value

Sums = npt.NDArray[np.float64]


def of_case(view: View) -> Scored:
    """The case that a view is of. Raises ValueError for a pool, which no metric's `case` is handed."""
    if view.scored is None:
        raise ValueError("a view of a case was expected, this one is of a pool")
    return view.scored


def predicted(view: View) -> BoolArray:
    """The prediction, bool (X, Y, Z), where `refused` gave no reason. Raises ValueError where there is none."""
    if view.prediction is None:
        raise ValueError("a view with a threshold was expected")
    return view.prediction


def refused(view: View, *, per_rule: bool = True) -> str:
    """Why a case has no value whatever its lesions: a reason, or ""."""
    if not of_case(view).brain_mask.any():
        return "empty_brain"
    return "no_threshold" if per_rule and view.threshold is None else ""


class Counted(Metric):
    """Derive and write `counts` and `of`: the case's value is `of(counts)`, the pooled one `of` their sum."""

    per_rule = True

    def counts(self, view: View) -> Sums:
        """What adds up, (k,), of a case that has a brain and a threshold."""
        raise NotImplementedError

    def of(self, sums: Sums) -> Value:
        """The value of one case's counts, or of the sum over several cases."""
        raise NotImplementedError

    def refused(self, view: View) -> str:
        """Why this case gives no counts; "" where it does."""
        return refused(view, per_rule=self.per_rule)

    def case(self, view: View) -> Value | None:
        reason = self.refused(view)
        return Value(None, reason) if reason else self.of(self.counts(view))

    def keep(self, view: View) -> Sums | None:
        return None if self.refused(view) else self.counts(view)

    def joined(self, kept: Sequence[Sums]) -> Value | None:
        return self.of(np.sum(kept, axis=0)) if kept else Value(None, "no_case")


def ratio(part: float, whole: float, reason: str) -> Value:
    """part / whole, not defined for `reason` where whole is 0."""
    return Value(float(part / whole)) if whole else Value(None, reason)
