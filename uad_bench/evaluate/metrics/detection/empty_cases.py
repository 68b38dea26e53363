"""Dice and HD95 with the rule of the BraTS challenges for scans without lesion (Baid et al. 2021).

Where neither the lesion mask nor the prediction has a voxel, Dice is 1 and HD95 is 0 mm; where only one of them has,
Dice is 0 and HD95 is 374 mm, about the diagonal of a BraTS image. `dice` and `hd95` have no value for such scans. The
mean is that over lesion cases and healthy test scans together, so it depends on the share of healthy scans: compare
it on the same cases only.
"""

from typing import ClassVar, Literal

from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case, predicted, undefined
from uad_bench.evaluate.metrics.confusion import confusion
from uad_bench.evaluate.metrics.declarations.classes import declared
from uad_bench.evaluate.metrics.surface import surface_distances
from uad_bench.types import Value

#: HD95 in mm where only one of lesion mask and prediction has a voxel.
MISSED_MM = 374.0


class EmptyCaseMetric(Metric):
    """Base class: derive and write `of`. best, worst: the values of a scan without lesion or without prediction."""

    per_rule = True
    population: ClassVar[Literal["lesion", "healthy", "both"]] = "both"
    best: ClassVar[float]
    worst: ClassVar[float]

    def case(self, view: View) -> Value | None:
        if reason := undefined(view):
            return Value(None, reason)
        scored = of_case(view)
        lesion, found = bool(scored.lesion_mask.any()) or scored.lost > 0, bool(predicted(view).any())
        if lesion and found:
            return Value(self.of(view))
        return Value(self.worst if lesion or found else self.best)

    def of(self, view: View) -> float:
        """The value of a scan with a lesion and a prediction."""
        raise NotImplementedError


@declared("dice_brats")
class DiceBrats(EmptyCaseMetric):
    """Dice, 1 for a scan without lesion and without prediction, in [0, 1]. Higher is better.

    Undefined: `empty_brain`, `no_threshold`.

    >>> import numpy as np
    >>> from uad_bench.types import Scored
    >>> full, none = np.ones((1, 1, 4), bool), np.zeros((1, 1, 4), bool)
    >>> healthy = Scored("h", none.astype(np.float32), full, none, (1.0, 1.0, 1.0), healthy=True)
    >>> DiceBrats().case(View.of_case(healthy, threshold=0.5)).value
    1.0
    >>> DiceBrats().case(View.of_case(healthy, threshold=-0.5)).value
    0.0
    """

    best, worst = 1.0, 0.0

    def of(self, view: View) -> float:
        return confusion(predicted(view), of_case(view)).dice or 0.0


@declared("hd95_brats")
class Hd95Brats(EmptyCaseMetric):
    """95 % Hausdorff distance in mm, in [0, ∞): 0 for a scan without lesion and without prediction. Lower is better.

    Undefined: `empty_brain`, `no_threshold`.

    >>> import numpy as np
    >>> from uad_bench.types import Scored
    >>> full, none = np.ones((1, 1, 4), bool), np.zeros((1, 1, 4), bool)
    >>> healthy = Scored("h", none.astype(np.float32), full, none, (1.0, 1.0, 1.0), healthy=True)
    >>> Hd95Brats().case(View.of_case(healthy, threshold=-0.5)).value
    374.0
    """

    best, worst = 0.0, MISSED_MM

    def of(self, view: View) -> float:
        # All lesion voxels may be cut off the grid; there is no surface then.
        return surface_distances(view).hd95 if of_case(view).lesion_mask.any() else self.worst
