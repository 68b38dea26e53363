"""The candidates of an anomaly map: its regional maxima, one voxel each, as a detection in a list of detections.

A regional maximum is a 26-connected set of brain voxels of one score without a neighbour in the brain of a higher
score. It is one candidate, at its central voxel: the one nearest to its centroid, the first in C order of
equals. A map of one value has one candidate for each connected part of the brain.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.evaluate.metrics.connected_components import Components, Indices
from uad_bench.types import BoolArray, FloatArray, Scored


@dataclass(frozen=True, eq=False)
class Candidates:
    """The flat index of each candidate, ascending by its maximum's first voxel, and its score, (n,) both."""

    index: Indices
    scores: FloatArray


def candidates(scored: Scored) -> Candidates:
    """The candidates of a case that has a brain.

    >>> anomaly_map = np.array([1, 3, 2, 2, 2, 0, 5, 5], np.float32).reshape(1, 1, 8)
    >>> brain, lesion = np.ones((1, 1, 8), bool), np.zeros((1, 1, 8), bool)
    >>> found = candidates(Scored("case", anomaly_map, brain, lesion, (1.0, 1.0, 1.0)))
    >>> found.index, found.scores
    (array([1, 6]), array([3., 5.], dtype=float32))
    """
    box = ndimage.find_objects(scored.brain_mask.astype(np.uint8))[0]
    brain, shape = scored.brain_mask[box], scored.brain_mask.shape
    parts = _maxima(np.where(brain, scored.map[box], np.float32(-np.inf)), brain)
    corner = [side.start for side in box]
    places = tuple(k + c for k, c in zip(_central(parts), corner, strict=True))
    return Candidates(np.ravel_multi_index(places, shape), scored.map[places])


def _maxima(scores: FloatArray, brain: BoolArray) -> Components:
    """The regional maxima; scores are -inf outside the brain."""
    highest = brain & (scores == _around(scores))
    # Part of a set of equal scores that has a higher neighbour elsewhere: it touches a voxel of the rest of the set.
    rest = np.where(highest, np.float32(-np.inf), scores)
    part = highest & (_around(rest) == scores)
    found = Components.of(highest)
    kept = np.bincount(found.label, part.ravel()[found.index], minlength=found.n) == 0
    number = np.cumsum(kept) - 1
    inside = kept[found.label]
    return Components(
        found.shape, found.index[inside], number[found.label[inside]], int(np.count_nonzero(kept))
    )


def _around(scores: FloatArray) -> FloatArray:
    """The highest score of each voxel and its 26 neighbours."""
    for axis in range(3):
        here = np.moveaxis(scores, axis, 0)
        highest = here.copy()
        np.maximum(highest[1:], here[:-1], out=highest[1:])
        np.maximum(highest[:-1], here[1:], out=highest[:-1])
        scores = np.moveaxis(highest, 0, axis)
    return scores


def _central(parts: Components) -> tuple[npt.NDArray[np.int64], ...]:
    """The coordinates of the central voxel of each part, three arrays (n,)."""
    sizes, places = parts.sizes, parts.coordinates
    apart = np.zeros(parts.index.size, np.int64)
    for axis in range(3):
        total = np.bincount(parts.label, places[:, axis], minlength=parts.n).astype(np.int64)
        # In integers: the distance from the centroid times the number of voxels.
        apart += (places[:, axis] * sizes[parts.label] - total[parts.label]) ** 2
    order = np.lexsort((parts.index, apart, parts.label))
    first = order[np.searchsorted(parts.label[order], np.arange(parts.n))]
    return tuple(places[first].T)
