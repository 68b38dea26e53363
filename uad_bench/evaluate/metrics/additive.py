"""Metrics made of counts that add up over cases: the pooled value is that of the summed counts.

Reasons shared by all of them: `empty_brain` (no voxel in the region of interest), `no_threshold` (the threshold rule
gave no threshold), `no_case` (no case takes part in the pooled value).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate.metric import Metric, View
from uad_bench.types import BoolArray, Scored, Value

Sums = npt.NDArray[np.float64]


def of_case(view: View) -> Scored:
    """The arrays of the case. Raises ValueError for the view of a pool."""
    if view.scored is None:
        raise ValueError("expected the view of a case, got that of a pool")
    return view.scored


def predicted(view: View) -> BoolArray:
    """The prediction, bool (X, Y, Z). Raises ValueError for a view without a threshold."""
    if view.prediction is None:
        raise ValueError("expected a view with a threshold")
    return view.prediction


def undefined(view: View, *, per_rule: bool = True) -> str:
    """The reason, independent of its lesions, why a case has no value, or ""."""
    if not of_case(view).brain_mask.any():
        return "empty_brain"
    return "no_threshold" if per_rule and view.threshold is None else ""


class Counted(Metric):
    """Base class: derive and write `counts` and `of`. A case has the value `of(counts)`, a pool `of` their sum.

    >>> class LesionVoxels(Counted):
    ...     name, per_rule = "lesion_voxels", False
    ...
    ...     def counts(self, view):
    ...         return np.array([view.scored.lesion_mask.sum()], np.float64)
    ...
    ...     def of(self, sums):
    ...         return Value(float(sums[0]))
    >>> metric, full = LesionVoxels(), np.ones((2, 2, 2), bool)
    >>> view = View.of_case(Scored("case", np.zeros((2, 2, 2), np.float32), full, full, (1.0, 1.0, 1.0)))
    >>> metric.case(view).value, metric.joined([metric.keep(view), metric.keep(view)]).value
    (8.0, 16.0)
    """

    per_rule = True

    def counts(self, view: View) -> Sums:
        """The counts (k,) of a case for which `undefined` gives no reason."""
        raise NotImplementedError

    def of(self, sums: Sums) -> Value:
        """The value of the counts (k,) of one case, or of their sum over several cases."""
        raise NotImplementedError

    def undefined(self, view: View) -> str:
        """The reason why this case has no counts, or ""."""
        return undefined(view, per_rule=self.per_rule)

    def case(self, view: View) -> Value | None:
        reason = self.undefined(view)
        return Value(None, reason) if reason else self.of(self.counts(view))

    def keep(self, view: View) -> Sums | None:
        return None if self.undefined(view) else self.counts(view)

    def joined(self, kept: Sequence[Sums]) -> Value | None:
        return self.of(np.sum(kept, axis=0)) if kept else Value(None, "no_case")


def ratio(part: float, whole: float, reason: str) -> Value:
    """part / whole; undefined for `reason` where whole is 0.

    >>> ratio(1, 4, "no_positive").value, ratio(0, 0, "no_positive").reason
    (0.25, 'no_positive')
    """
    return Value(float(part / whole)) if whole else Value(None, reason)
