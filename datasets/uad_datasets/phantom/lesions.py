"""Lesions with exactly known masks: where they sit, whom they push, what they are made of.

A lesion is drawn mask first; what is painted is the mask's own soft edge, so image and mask cannot disagree.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue, largest
from uad_datasets.phantom.grid import (
    COARSE_SPACING,
    ORIGIN,
    SHAPE,
    Array,
    coarse_field,
    coarse_positions,
    to_fine,
)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Paint:
    """`matter` takes the place of `strength` of what was in `mask`, bool (*SHAPE)."""

    matter: str
    mask: Mask
    strength: float


@dataclass(frozen=True)
class Lesion:
    """The pushed tissue of a subject and the paints on it, first to last. The lesion mask is their union."""

    tissue: Tissue
    paints: tuple[Paint, ...]

    @property
    def mask(self) -> Mask:
        """The lesion mask, bool (*SHAPE)."""
        none = np.zeros(SHAPE, dtype=bool)
        return np.asarray(np.logical_or.reduce([none, *(paint.mask for paint in self.paints)]))


def tumour(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """A core that pushes, and oedema that spreads in the white matter around it."""
    centre, radius = _deep_white_matter(rng, anatomy), rng.uniform(11.0, 21.0)
    tissue = anatomy.pushed(centre, radius, 0.4 * radius).tissue()
    core = largest(ball(rng, centre, radius) < 1) & tissue.brain_mask
    white = ndimage.gaussian_filter(tissue.volume(2), 1.0)
    spread = ball(rng, centre, radius + rng.uniform(12.0, 23.0)) + 0.55 * (1 - white)
    oedema = tidy((spread < 1) | core, tissue.brain_mask)
    return Lesion(
        tissue, (Paint("oedema", oedema, rng.uniform(0.75, 0.95)), Paint("core", core & oedema, 0.95))
    )


def iso(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """A tumour that looks like brain: only the anatomy it destroys and pushes away betrays it."""
    centre, radius = _deep_white_matter(rng, anatomy), rng.uniform(16.0, 22.0)
    tissue = anatomy.pushed(centre, radius, 0.6 * radius).tissue()
    body = tidy(ball(rng, centre, radius) < 1, tissue.brain_mask)
    return Lesion(tissue, (Paint("iso", body, 0.95),))


def ms(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Plaques around the ventricles and in the white matter."""
    tissue = anatomy.tissue()
    white = anatomy.coarse(anatomy.atlas.tissues[2])
    ventricles = anatomy.coarse(anatomy.atlas.ventricles) > 0.4
    distance = ndimage.distance_transform_edt(~ventricles) * COARSE_SPACING
    weight = np.where((white > 0.75) & supratentorial(), np.exp(-((distance / 14) ** 2)) + 0.04, 0)
    plaques = np.zeros(SHAPE, dtype=bool)
    for _ in range(int(rng.integers(10, 26))):
        plaques |= ball(rng, pick(rng, weight), rng.lognormal(np.log(5.6), 0.25)) < 1
    plaques &= tissue.brain_mask & (tissue.volume(0) < 0.4) & (tissue.volume(2) > 0.2)
    return Lesion(tissue, (Paint("plaque", without_specks(plaques, 8), rng.uniform(0.85, 1.0)),))


def ball(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    """Distance to `centre` (3,) mm over the `radius` in mm of an uneven ellipsoid, (*SHAPE); below 1 is inside."""
    stretch = np.exp(np.clip(rng.normal(0, 0.15, 3), -0.3, 0.3)).astype(np.float32)
    away = (coarse_positions() - centre[:, None, None, None]) / stretch[:, None, None, None]
    rough = np.float32(0.16) * coarse_field(rng, min(radius, 10.0))
    return to_fine(np.sqrt((away**2).sum(axis=0)) / np.float32(radius) + rough)


def tidy(mask: Mask, brain_mask: Mask) -> Mask:
    """A mask in one piece: smoothed over one voxel, holes filled, islands dropped, inside the brain."""
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 1.0) > 0.5
    return largest(ndimage.binary_fill_holes(smooth & brain_mask) & brain_mask)


def without_specks(mask: Mask, voxels: int) -> Mask:
    """The mask without its parts of fewer than `voxels` voxels."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= voxels)[labels])


def supratentorial() -> Mask:
    """Coarse nodes of the cerebrum, roughly, (*COARSE_SHAPE): all above z = 2 mm, and the temporal lobes."""
    x, y, z = coarse_positions() + np.array(ORIGIN, dtype=np.float32)[:, None, None, None]
    return np.asarray((z > 2) | ((z > -20) & (y > -32) & (np.abs(x) > 24)))


def pick(rng: np.random.Generator, weight: Array) -> Array:
    """The position (3,) in mm of a coarse node drawn with `weight` (*COARSE_SHAPE), a little off the node."""
    chances = weight.ravel().astype(np.float64)
    node = np.unravel_index(rng.choice(chances.size, p=chances / chances.sum()), weight.shape)
    jitter = rng.uniform(-0.5, 0.5, 3)
    return np.asarray((np.array(node) + jitter) * COARSE_SPACING, dtype=np.float32)


def _deep_white_matter(rng: np.random.Generator, anatomy: Anatomy) -> Array:
    """A place for a tumour: cerebral white matter, not far below the cortex."""
    depth = anatomy.depth()
    white = anatomy.coarse(anatomy.atlas.tissues[2]) > 0.6
    return pick(rng, (white & supratentorial() & (depth > 10) & (depth < 34)).astype(np.float32))
