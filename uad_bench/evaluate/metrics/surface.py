"""Surface distances between prediction and lesion mask, in mm, with the voxel spacing of the case.

The surface of a mask is its edge voxels: those with a face to a voxel outside the mask; outside the grid counts as
outside. All lesions together have one surface. A distance goes from the centre of an edge voxel to the centre of the
nearest edge voxel of the other mask. The definitions are MONAI's:
    HD95   the larger one of the 95th percentiles of both directions, linear between ranks
           (compute_hausdorff_distance with percentile=95)
    NSD    the share of the edge voxels of both masks within a tolerance of the other surface
           (compute_surface_dice; Nikolov et al. 2021)
    ASSD   the mean distance over the edge voxels of both masks
           (compute_average_surface_distance with symmetric=True)

Undefined: `empty_brain`, `no_threshold`, `no_positive` (no lesion). An empty prediction gets the diagonal of the
image in mm (HD95, ASSD) or 0 (NSD): a missing prediction is never dropped from a mean. There are no pooled values.

From the prediction to the lesions, distances are read from a table that all threshold rules of a case share
(`grid/distance`). In the other direction, and for voxel sizes for which the table would not give the bits of
floating-point arithmetic, they come from a k-d tree of edge voxels: it costs less than a distance transform of the
grid, because surfaces are thin.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from uad_bench.evaluate.grid.distance import GridDistances
from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case, predicted, undefined
from uad_bench.evaluate.metrics.connected_components import Indices, edge_voxels
from uad_bench.evaluate.metrics.declarations.classes import declared, variant
from uad_bench.types import BoolArray, Scored, Value

Points = npt.NDArray[np.float64]


class Distances(NamedTuple):
    """Distances in mm from each edge voxel to the other surface: `found` of the prediction, `truth` of the lesions."""

    found: Points
    truth: Points

    @property
    def hd95(self) -> float:
        """The 95 % Hausdorff distance in mm."""
        return max(float(np.quantile(side, 0.95)) for side in self)


def distances_between(found: Points, truth: Points) -> Distances:
    """The distances of two sets of points in mm, (n, 3) and (m, 3), neither empty.

    >>> distances_between(np.array([[0.0, 0, 0]]), np.array([[3.0, 4, 0], [0, 0, 1]]))
    Distances(found=array([1.]), truth=array([5., 1.]))
    """
    return Distances(tree_of(truth).query(found)[0], tree_of(found).query(truth)[0])


def tree_of(points: Points) -> cKDTree:
    """A tree for the nearest of some voxels of a grid, at points in mm (n, 3)."""
    # Sliding-midpoint splits and large leaves, as many points of a grid share a coordinate: four times faster than
    # scipy's defaults where the other surface is far away.
    return cKDTree(points, leafsize=48, compact_nodes=False, balanced_tree=False)


def surface_points(mask: BoolArray, spacing: tuple[float, float, float]) -> Points:
    """The centres of the edge voxels of a mask (X, Y, Z) in mm, (n, 3).

    >>> surface_points(np.array([[[False, True, True]]]), (1.0, 1.0, 2.0))
    array([[0., 0., 2.],
           [0., 0., 4.]])
    """
    points: Points = surface_voxels(mask) * np.array(spacing)
    return points


def surface_voxels(mask: BoolArray) -> Indices:
    """The edge voxels of a mask (X, Y, Z), (n, 3)."""
    return np.stack(np.unravel_index(edge_voxels(mask), mask.shape), axis=1)


def diagonal(scored: Scored) -> float:
    """The diagonal of the image in mm."""
    return math.hypot(*(n * size for n, size in zip(scored.brain_mask.shape, scored.spacing, strict=True)))


@dataclass(frozen=True)
class LesionSurface:
    """The surface of the lesions of a case: points in mm, and distances to them from the voxels of the brain."""

    points: Points
    table: GridDistances | None

    @classmethod
    def of(cls, scored: Scored) -> "LesionSurface":
        """From a case with a lesion and a brain; `once` shares it among the threshold rules."""
        voxels = surface_voxels(scored.lesion_mask)
        table = GridDistances.of(voxels, scored.brain_mask, scored.spacing)
        return cls(voxels * np.array(scored.spacing), table)

    def distances(self, found: Indices, points: Points) -> Points:
        """The distance in mm from each voxel (n, 3), which lies at points in mm (n, 3)."""
        if self.table is not None:
            return self.table.to(found)
        nearest: Points = tree_of(self.points).query(points)[0]
        return nearest


def _lesion_surface(scored: Scored) -> LesionSurface:
    return LesionSurface.of(scored)


def surface_distances(view: View) -> Distances:
    """The distances of a case with a lesion and a prediction, computed once for all metrics of a threshold rule."""
    return once(view, _distances)


def _distances(view: View) -> Distances:
    scored = of_case(view)
    truth, found = once(scored, _lesion_surface), surface_voxels(predicted(view))
    points = found * np.array(scored.spacing)
    return Distances(truth.distances(found, points), tree_of(points).query(truth.points)[0])


class SurfaceMetric(Metric):
    """Base class: derive and write `of`, and `of_empty` where an empty prediction does not get the diagonal."""

    per_rule = True

    def case(self, view: View) -> Value | None:
        scored = of_case(view)
        reason = undefined(view) or ("" if scored.lesion_mask.any() else "no_positive")
        if reason:
            return Value(None, reason)
        if not predicted(view).any():
            return Value(self.of_empty(scored))
        return Value(self.of(surface_distances(view)))

    def of(self, distances: Distances) -> float:
        """The value of a case with a lesion and a prediction."""
        raise NotImplementedError

    def of_empty(self, scored: Scored) -> float:
        """The value of a case with a lesion and an empty prediction."""
        return diagonal(scored)


@declared("hd95")
class Hd95(SurfaceMetric):
    """95 % Hausdorff distance in mm, in [0, ∞). Lower is better.

    >>> lesion, prediction = np.zeros((3, 4, 12), bool), np.zeros((3, 4, 12), np.float32)
    >>> lesion[1, 1, 2] = prediction[1, 1, 5] = True
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> Hd95().case(View.of_case(scored, threshold=0.5)).value
    3.0
    >>> Hd95().case(View.of_case(scored, threshold=2.0)).value  # an empty prediction: the diagonal of the image
    13.0
    """

    def of(self, distances: Distances) -> float:
        return distances.hd95


@declared("assd")
class Assd(SurfaceMetric):
    """Average symmetric surface distance in mm, in [0, ∞). Lower is better.

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., 2] = prediction[..., 2] = prediction[..., 5] = True
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> Assd().case(View.of_case(scored, threshold=0.5)).value  # the mean of 0, 3 and 0
    1.0
    """

    def of(self, distances: Distances) -> float:
        return float(np.concatenate(distances).mean())


class NormalisedSurfaceDice(SurfaceMetric):
    """The share of the edge voxels of both masks within `tolerance` mm of the other surface, in [0, 1].

    >>> lesion, prediction = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), np.float32)
    >>> lesion[..., 2] = prediction[..., 4] = True
    >>> scored = Scored("case", prediction, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0))
    >>> view = View.of_case(scored, threshold=0.5)
    >>> Nsd1().case(view).value, Nsd2().case(view).value
    (0.0, 1.0)
    """

    tolerance: ClassVar[float]

    def of(self, distances: Distances) -> float:
        return float(np.mean(np.concatenate(distances) <= self.tolerance))

    def of_empty(self, scored: Scored) -> float:
        return 0.0


Nsd1 = variant(NormalisedSurfaceDice, "nsd_1mm")
Nsd2 = variant(NormalisedSurfaceDice, "nsd_2mm")
