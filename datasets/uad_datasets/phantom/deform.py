"""Smooth invertible deformations on the coarse grid.

A stationary velocity field is integrated by scaling and squaring (Arsigny et al., MICCAI 2006). Displacements u are
pull-backs in mm, (3, *COARSE_SHAPE): the value at y is that of the undeformed image at y + u(y).
"""

import numpy as np
import numpy.typing as npt

from uad_datasets.phantom.grid import COARSE_SPACING, Array, coarse_field, coarse_positions, sample

#: Smoothness and amplitude, in mm, of the random parts of a subject's velocity.
SCALES = ((28.0, 3.8), (14.0, 2.2), (7.0, 1.0))
#: Template size divided by mean subject size: MNI152 is larger than most brains.
TEMPLATE_SIZE = 1.05
SQUARINGS = 5


def exponential(velocity: Array, squarings: int = SQUARINGS) -> Array:
    """The displacement by `velocity` over one unit of time; both (3, *COARSE_SHAPE) in mm."""
    displacement = velocity / np.float32(2**squarings)
    for _ in range(squarings):
        displacement = compose(displacement, displacement)
    return displacement


def compose(outer: Array, inner: Array) -> Array:
    """The displacement of first `inner`, then `outer`: y -> y + inner(y) + outer(y + inner(y))."""
    positions = coarse_positions() + inner
    return inner + np.stack([sample(component, positions, COARSE_SPACING) for component in outer])


def random_velocity(rng: np.random.Generator) -> Array:
    """A subject's random velocity, (3, *COARSE_SHAPE) in mm; its mean is zero, so that the head does not move."""
    velocity = np.zeros_like(coarse_positions())
    for scale, amplitude in SCALES:
        for axis in range(3):
            velocity[axis] += np.float32(amplitude) * coarse_field(rng, scale)
    return np.asarray(velocity - velocity.mean(axis=(1, 2, 3), keepdims=True))


def random_matrix(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Scan to template, (3, 3): random rotations of about 2 degrees and scales of about 3 %."""
    angles = np.clip(rng.normal(0, 0.035, 3), -0.08, 0.08)
    sizes = np.exp(np.clip(rng.normal(0, 0.018, 3) + rng.normal(0, 0.02), -0.05, 0.05))
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[i, j], step[j, i] = -np.sin(angle), np.sin(angle)
        turn = turn @ step
    return turn * sizes * TEMPLATE_SIZE


def mass_effect(centre: Array, radius: float, strength: float, mobility: Array) -> Array:
    """The displacement by a growth at `centre` (3,) mm: anatomy moves outwards, most at `radius` mm.

    strength: the largest velocity, mm; mobility: 0 to 1, (*COARSE_SHAPE), how far each position can move.
    """
    away = coarse_positions() - centre[:, None, None, None]
    squared = (away**2).sum(axis=0) / np.float32(radius**2)
    return exponential(-np.float32(strength / radius) * away * mobility * np.exp((1 - squared) / 2))
