"""Voxel counts of a prediction: what Dice and FPR are made from where a clean-up has changed the thresholded map.

Without a clean-up `Curve.counts_at` gives the same numbers without an array: the two are equal.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from uad_bench.types import BoolArray, Scored


class Overlap(NamedTuple):
    """Voxels of a prediction and of the lesions: tp of both, fp of the prediction alone, fn of the lesions alone."""

    tp: int
    fp: int
    fn: int

    @property
    def dice(self) -> float | None:
        """2 tp / (2 tp + fp + fn); None without a lesion voxel, as an empty truth has nothing to overlap."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fn else None


def overlap(prediction: BoolArray, scored: Scored) -> Overlap:
    """The counts of a case, for a prediction (X, Y, Z) inside its brain.

    Lesion voxels outside the brain, and those lost on the way to the grid, are missed: fn.
    """
    called, lesion = int(np.count_nonzero(prediction)), int(np.count_nonzero(scored.lesion_mask))
    tp = int(np.count_nonzero(prediction & scored.lesion_mask))
    return Overlap(tp, called - tp, lesion - tp + scored.lost)


def summed(cases: Iterable[Overlap]) -> Overlap:
    """The counts of several cases together: their Dice is the pooled one."""
    members = list(cases)
    return Overlap(sum(o.tp for o in members), sum(o.fp for o in members), sum(o.fn for o in members))
