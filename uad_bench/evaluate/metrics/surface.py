"""Distances between the surfaces of the prediction and of the lesions, in mm, with the case's voxel spacing.

A surface is the edge voxels of a mask: those with a face to the outside, the grid's rim counting as outside. All
lesions together are one surface. Distances go from the centre of each edge voxel to the nearest one of the other
surface. Definitions are MONAI's (compute_hausdorff_distance with percentile 95, compute_surface_dice,
compute_average_surface_distance with symmetric):
    HD95   the larger one of the two directions' 95th percentiles (linear between ranks)
    NSD    share of the edge voxels of both masks within a tolerance of the other surface (Nikolov et al. 2021)
    ASSD   mean over the edge voxels of both masks
Without a lesion none is defined (`no_positive`). An empty prediction scores the diagonal of the image in mm
(HD95, ASSD) or 0 (NSD), so that silence is the worst answer and is never dropped from a mean.

A k-d tree over edge voxels costs less than a distance transform of the grid: surfaces are thin.
"""

import math
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.additive import of_case, predicted, refused
from uad_bench.evaluate.metrics.connected_components import edge
from uad_bench.types import BoolArray, Scored, Value

Points = npt.NDArray[np.float64]


class Distances(NamedTuple):
    """Of each edge voxel to the other surface, mm: `found` of the prediction's, `truth` of the lesions'."""

    found: Points
    truth: Points

    @property
    def hd95(self) -> float:
        """The 95 % Hausdorff distance."""
        return max(float(np.quantile(side, 0.95)) for side in self)


def between(found: Points, truth: Points) -> Distances:
    """Distances of two non-empty sets of points in mm, (n, 3) and (m, 3)."""
    return Distances(_tree(truth).query(found)[0], _tree(found).query(truth)[0])


def _tree(points: Points) -> cKDTree:
    # Plain splits and large leaves, as many points of a grid share a coordinate: four times quicker than scipy's
    # defaults where the other surface is far away.
    return cKDTree(points, leafsize=48, compact_nodes=False, balanced_tree=False)


def surface_points(mask: BoolArray, spacing: tuple[float, float, float]) -> Points:
    """Centres of the edge voxels of a mask (X, Y, Z) in mm, (n, 3)."""
    places = np.unravel_index(np.flatnonzero(edge(mask)), mask.shape)
    points: Points = np.stack(places, axis=1) * np.array(spacing)
    return points


def diagonal(scored: Scored) -> float:
    """The diagonal of the image in mm."""
    return math.hypot(*(n * size for n, size in zip(scored.brain_mask.shape, scored.spacing, strict=True)))


def _distances(view: View) -> Distances:
    scored = of_case(view)
    return between(
        surface_points(predicted(view), scored.spacing), surface_points(scored.lesion_mask, scored.spacing)
    )


class SurfaceMetric(Metric):
    """Derive and write `of`; `silent` is the value of an empty prediction."""

    per_rule = True

    def case(self, view: View) -> Value | None:
        scored = of_case(view)
        reason = refused(view) or ("" if scored.lesion_mask.any() else "no_positive")
        if reason:
            return Value(None, reason)
        if not predicted(view).any():
            return Value(self.silent(scored))
        return Value(self.of(once(view, _distances)))

    def of(self, distances: Distances) -> float:
        """The value of a case with a lesion and a prediction."""
        raise NotImplementedError

    def silent(self, scored: Scored) -> float:
        """The value where nothing was predicted."""
        return diagonal(scored)


class Hd95(SurfaceMetric):
    """95 % Hausdorff distance, mm."""

    name = "hd95"
    summary = "95 % Hausdorff distance in mm"
    higher_is_better = False

    def of(self, distances: Distances) -> float:
        return distances.hd95


class Assd(SurfaceMetric):
    """Average symmetric surface distance, mm."""

    name = "assd"
    summary = "average symmetric surface distance in mm"
    higher_is_better = False

    def of(self, distances: Distances) -> float:
        return float(np.concatenate(distances).mean())


class Nsd1(SurfaceMetric):
    """Normalised surface Dice at a tolerance in mm."""

    name = "nsd_1mm"
    summary = "normalised surface Dice, tolerance 1 mm"
    tolerance: ClassVar[float] = 1.0

    def of(self, distances: Distances) -> float:
        return float(np.mean(np.concatenate(distances) <= self.tolerance))

    def silent(self, scored: Scored) -> float:
        return 0.0


class Nsd2(Nsd1):
    name = "nsd_2mm"
    summary = "normalised surface Dice, tolerance 2 mm"
    tolerance = 2.0
