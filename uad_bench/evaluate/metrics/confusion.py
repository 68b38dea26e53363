"""Voxel counts of a prediction, for Dice and FPR after post-processing of the thresholded map.

Without such post-processing `Curve.counts_at` gives the same counts without making the prediction.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from uad_bench.types import BoolArray, Scored


class Confusion(NamedTuple):
    """Voxels: tp predicted and lesion, fp predicted and not lesion, fn lesion and not predicted."""

    tp: int
    fp: int
    fn: int

    @property
    def dice(self) -> float | None:
        """2 tp / (2 tp + fp + fn), in [0, 1]; None without a lesion voxel.

        >>> Confusion(tp=3, fp=1, fn=1).dice
        0.75
        """
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fn else None


def confusion(prediction: BoolArray, scored: Scored) -> Confusion:
    """The counts of a case for a prediction, bool (X, Y, Z), inside its brain.

    Lesion voxels outside the brain, and those that preparation cut off (`Scored.lost`), count as fn.

    >>> lesion = np.array([True, True, False, False]).reshape(1, 1, 4)
    >>> brain = np.ones((1, 1, 4), bool)
    >>> scored = Scored("case", np.zeros((1, 1, 4), np.float32), brain, lesion, (1.0, 1.0, 1.0))
    >>> confusion(np.array([True, False, True, False]).reshape(1, 1, 4), scored)
    Confusion(tp=1, fp=1, fn=1)
    """
    n_predicted, n_lesion = int(np.count_nonzero(prediction)), int(np.count_nonzero(scored.lesion_mask))
    tp = int(np.count_nonzero(prediction & scored.lesion_mask))
    return Confusion(tp, n_predicted - tp, n_lesion - tp + scored.lost)


def summed(cases: Iterable[Confusion]) -> Confusion:
    """The counts of several cases together; their Dice is the pooled Dice.

    >>> summed([Confusion(1, 0, 2), Confusion(3, 4, 0)])
    Confusion(tp=4, fp=4, fn=2)
    """
    members = list(cases)
    return Confusion(sum(o.tp for o in members), sum(o.fp for o in members), sum(o.fn for o in members))
