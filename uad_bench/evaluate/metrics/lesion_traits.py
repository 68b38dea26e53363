"""Size, contrast and location of each lesion of a case. A lesion is a 26-connected component of the lesion mask.

size      volume in mm3, the part outside the brain included.
contrast  (mean of the lesion - mean of its surroundings) / standard deviation of the surroundings (ddof = 0), in the
          first channel of the prepared image. The surroundings are the brain voxels within 5 mm of the lesion, centre
          to centre, that belong to no lesion and are not ignored. NaN for a lesion without a voxel in the brain or
          without surroundings.
depth     distance in mm of the centroid from the nearest edge voxel of the brain mask; 0 for a centroid outside it.
side      position of the centroid along x as a share of the extent of the brain, 0 at its left and 1 at its right end.
height    the same along z, 0 at the lower and 1 at the upper end.

The brain is the whole brain mask of the scan, not the region of interest after post-processing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metrics.lesion import lesions
from uad_bench.evaluate.metrics.surface import surface_voxels, tree_of
from uad_bench.types import BoolArray, FloatArray, Scored

Floats = npt.NDArray[np.float64]

#: How far the surroundings of a lesion reach.
RING_MM = 5.0


@dataclass(frozen=True)
class Traits:
    """The traits of each lesion of a case except its contrast, (lesions,) each: size in mm3, depth in mm."""

    size: Floats
    depth: Floats
    side: Floats
    height: Floats


def traits(scored: Scored) -> Traits:
    """The traits of the lesions of a case that has a brain, computed once for all metrics and threshold rules.

    >>> brain, lesion = np.ones((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
    >>> lesion[4, 4, 1:3] = True
    >>> found = traits(Scored("case", np.zeros((9, 9, 9), np.float32), brain, lesion, (1.0, 1.0, 2.0)))
    >>> found.size, found.depth, found.side
    (array([4.]), array([3.]), array([0.5]))
    """
    return once(scored, _traits)


def contrast(scored: Scored) -> Floats:
    """The contrast of each lesion, (lesions,), NaN where it is not defined. Raises ValueError without an image.

    >>> image = np.array([0, 2, 9, 0, 2], np.float32).reshape(1, 1, 1, 5)
    >>> lesion, brain = image[0] == 9, np.ones((1, 1, 5), bool)
    >>> contrast(Scored("case", np.zeros((1, 1, 5), np.float32), brain, lesion, (1.0, 1.0, 1.0), image=image))
    array([8.])
    """
    return once(scored, _contrasts)


def _traits(scored: Scored) -> Traits:
    parts, spacing, brain = lesions(scored), np.array(scored.spacing), _brain(scored)
    sums = [np.bincount(parts.label, parts.coordinates[:, axis], minlength=parts.n) for axis in range(3)]
    centroids = np.stack(sums, axis=1) / parts.sizes[:, np.newaxis]
    return Traits(
        parts.sizes * spacing.prod(),
        _depths(centroids, brain, spacing),
        _along(centroids[:, 0], brain, 0),
        _along(centroids[:, 2], brain, 2),
    )


def _brain(scored: Scored) -> BoolArray:
    """The brain mask of the scan: where a lesion lies does not depend on post-processing."""
    return scored.brain_mask if scored.whole_brain is None else scored.whole_brain


def _depths(centroids: Floats, brain: BoolArray, spacing: Floats) -> Floats:
    distances = tree_of(surface_voxels(brain) * spacing).query(centroids * spacing)[0]
    inside: BoolArray = brain[tuple(np.rint(centroids).astype(np.int64).T)]
    depths: Floats = np.where(inside, distances, 0.0)
    return depths


def _along(centroids: Floats, brain: BoolArray, axis: int) -> Floats:
    """Positions of centroids along an axis as shares of the extent of the brain, from edge to edge of the voxels."""
    others = tuple(other for other in range(3) if other != axis)
    filled = np.flatnonzero(brain.any(axis=others))
    share: Floats = (centroids + 0.5 - filled[0]) / (filled[-1] + 1 - filled[0])
    return share


def _contrasts(scored: Scored) -> Floats:
    if scored.image is None:
        raise ValueError(f"case {scored.case_id} has no image")
    parts = lesions(scored)
    order = np.argsort(parts.label, kind="stable")
    voxels = np.split(parts.coordinates[order], np.cumsum(parts.sizes)[:-1])
    return np.array([_contrast(lesion, scored, scored.image[0]) for lesion in voxels[: parts.n]])


def _contrast(voxels: npt.NDArray[np.int64], scored: Scored, image: FloatArray) -> float:
    """The contrast of the lesion with these voxels (n, 3), computed in a box around it."""
    reach = np.ceil(RING_MM / np.array(scored.spacing)).astype(np.int64)
    low, high = np.maximum(voxels.min(0) - reach, 0), voxels.max(0) + reach + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    brain, values = _brain(scored)[box], image[box]
    lesion = np.zeros(brain.shape, bool)
    lesion[tuple((voxels - low).T)] = True
    near = ndimage.distance_transform_edt(~lesion, sampling=scored.spacing) <= RING_MM
    inner = values[lesion & brain].astype(np.float64)
    around = near & brain & ~scored.lesion_mask[box]
    if scored.ignored is not None:
        around &= ~scored.ignored[box]
    ring = values[around].astype(np.float64)
    if not (inner.size and ring.size):
        return float("nan")
    difference = float(inner.mean() - ring.mean())
    if abs(difference) <= 1e-6 * abs(ring.mean()):  # images are float32: a smaller difference is rounding
        return 0.0
    # With constant surroundings any difference is beyond every bin edge.
    return difference / max(float(ring.std()), 1e-12)
