"""What is measured of every lesion of a case: its size, its contrast to what surrounds it, and where it lies.

A lesion is a 26-connected component of the lesion mask, as in `lesion`. Definitions: the head of `strata`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from uad_bench.evaluate.memoise import once
from uad_bench.evaluate.metrics.connected_components import edge
from uad_bench.evaluate.metrics.lesion import lesions
from uad_bench.types import BoolArray, FloatArray, Scored

Floats = npt.NDArray[np.float64]

#: How far the surroundings of a lesion reach.
RING_MM = 5.0


@dataclass(frozen=True)
class Traits:
    """What is measured of every lesion of a case but its contrast, (n,) each; size in mm3, depth in mm.

    side and height are shares of the brain's extent: 0 at its left and lower end, 1 at the other.
    """

    size: Floats
    depth: Floats
    side: Floats
    height: Floats


def traits(scored: Scored) -> Traits:
    """The traits of the lesions of a case with a brain, shared by all rules and metrics."""
    return once(scored, _traits)


def contrast(scored: Scored) -> Floats:
    """The contrast of every lesion, (n,), NaN where it cannot be told. Raises ValueError without an image."""
    return once(scored, _contrasts)


def _traits(scored: Scored) -> Traits:
    parts, spacing, brain = lesions(scored), np.array(scored.spacing), _brain(scored)
    sums = [np.bincount(parts.label, parts.places[:, axis], minlength=parts.n) for axis in range(3)]
    centres = np.stack(sums, axis=1) / parts.sizes[:, np.newaxis]
    return Traits(
        parts.sizes * spacing.prod(),
        _depths(centres, brain, spacing),
        _along(centres[:, 0], brain, 0),
        _along(centres[:, 2], brain, 2),
    )


def _brain(scored: Scored) -> BoolArray:
    """The scan's brain: where a lesion lies does not depend on what post-processing leaves."""
    return scored.brain_mask if scored.whole_brain is None else scored.whole_brain


def _depths(centres: Floats, brain: BoolArray, spacing: Floats) -> Floats:
    rim = np.argwhere(edge(brain)) * spacing
    away = cKDTree(rim).query(centres * spacing)[0]
    inside: BoolArray = brain[tuple(np.rint(centres).astype(np.int64).T)]
    depths: Floats = np.where(inside, away, 0.0)
    return depths


def _along(centres: Floats, brain: BoolArray, axis: int) -> Floats:
    """Where centres lie in the brain's extent along an axis, whole voxels counted: 0 to 1."""
    others = tuple(other for other in range(3) if other != axis)
    filled = np.flatnonzero(brain.any(axis=others))
    share: Floats = (centres + 0.5 - filled[0]) / (filled[-1] + 1 - filled[0])
    return share


def _contrasts(scored: Scored) -> Floats:
    if scored.image is None:
        raise ValueError(f"case {scored.case_id} has no image")
    parts = lesions(scored)
    order = np.argsort(parts.label, kind="stable")
    groups = np.split(parts.places[order], np.cumsum(parts.sizes)[:-1])
    return np.array([_contrast(places, scored, scored.image[0]) for places in groups[: parts.n]])


def _contrast(places: npt.NDArray[np.int64], scored: Scored, image: FloatArray) -> float:
    """The contrast of the lesion at places (n, 3), from a box about it."""
    reach = np.ceil(RING_MM / np.array(scored.spacing)).astype(np.int64)
    low, high = np.maximum(places.min(0) - reach, 0), places.max(0) + reach + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    brain, values = _brain(scored)[box], image[box]
    lesion = np.zeros(brain.shape, bool)
    lesion[tuple((places - low).T)] = True
    near = ndimage.distance_transform_edt(~lesion, sampling=scored.spacing) <= RING_MM
    inner = values[lesion & brain].astype(np.float64)
    ring = values[near & brain & ~scored.lesion_mask[box]].astype(np.float64)
    if not (inner.size and ring.size):
        return float("nan")
    difference = float(inner.mean() - ring.mean())
    if abs(difference) <= 1e-6 * abs(ring.mean()):  # images are float32: what is less is rounding
        return 0.0
    # In even surroundings any difference is beyond every bound.
    return difference / max(float(ring.std()), 1e-12)
