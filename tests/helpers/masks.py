"""Views of cases made from masks: the map is 1 in the prediction and 0 elsewhere, the threshold is 0.5."""

import numpy as np

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.types import Scored

MM = (1.0, 1.0, 1.0)


def case(prediction, truth, brain=None, spacing=MM, **more):
    """A scored case from masks (X, Y, Z); by default the brain is the whole grid."""
    brain = np.ones(truth.shape, bool) if brain is None else brain
    return Scored("c", np.asarray(prediction, np.float32), brain, truth, spacing, **more)


def view(prediction, truth, brain=None, spacing=MM, threshold=0.5, **more):
    """The view of the same case."""
    scored = case(prediction, truth, brain, spacing, **more)
    return View(Curve.of_case(scored), scored, threshold)


def empty(shape=(12, 11, 10)):
    """A mask without a voxel."""
    return np.zeros(shape, bool)


def box(*corners, shape=(12, 11, 10)):
    """A mask of boxes, each ((x0, x1), (y0, y1), (z0, z1)) or a single voxel (x, y, z)."""
    mask = empty(shape)
    for corner in corners:
        mask[tuple(slice(c, c + 1) if np.isscalar(c) else slice(*c) for c in corner)] = True
    return mask


def blobs(rng, n, shape=(24, 22, 20), reach=3.0):
    """A mask of n balls with a radius of up to `reach` voxels at random positions."""
    grid, mask = np.indices(shape), np.zeros(shape, bool)
    for _ in range(n):
        centre, radius = rng.uniform(0, shape), rng.uniform(0.5, reach)
        mask |= sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2
    return mask
