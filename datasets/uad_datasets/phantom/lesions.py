"""Lesions with exactly known masks: their position, their mass effect and their materials.

A lesion begins with its mask. The image is changed by the blurred mask itself, so that image and mask always agree.
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
class Replacement:
    """In `mask`, bool (*SHAPE), the share `strength` of the tissue is replaced by `material`."""

    material: str
    mask: Mask
    strength: float


@dataclass(frozen=True)
class Lesion:
    """The displaced tissue of a subject and its replacements in order. The lesion mask is the union of their masks."""

    tissue: Tissue
    replacements: tuple[Replacement, ...]

    @property
    def mask(self) -> Mask:
        """The lesion mask, bool (*SHAPE)."""
        none = np.zeros(SHAPE, dtype=bool)
        return np.asarray(np.logical_or.reduce([none, *(one.mask for one in self.replacements)]))


def tumour(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """A tumour core with mass effect, and oedema in the white matter around it."""
    centre, radius = _deep_white_matter(rng, anatomy), rng.uniform(11.0, 21.0)
    tissue = anatomy.displaced(centre, radius, 0.4 * radius).tissue()
    core = largest(ellipsoid_distance(rng, centre, radius) < 1) & tissue.brain_mask
    white = ndimage.gaussian_filter(tissue.volume(2), 1.0)
    spread = ellipsoid_distance(rng, centre, radius + rng.uniform(12.0, 23.0)) + 0.55 * (1 - white)
    oedema = single_component((spread < 1) | core, tissue.brain_mask)
    return Lesion(
        tissue,
        (Replacement("oedema", oedema, rng.uniform(0.75, 0.95)), Replacement("core", core & oedema, 0.95)),
    )


def isointense_tumour(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """A tumour with the signal of brain, visible only by the anatomy that it replaces and displaces."""
    centre, radius = _deep_white_matter(rng, anatomy), rng.uniform(16.0, 22.0)
    tissue = anatomy.displaced(centre, radius, 0.6 * radius).tissue()
    body = single_component(ellipsoid_distance(rng, centre, radius) < 1, tissue.brain_mask)
    return Lesion(tissue, (Replacement("iso", body, 0.95),))


def ms_plaques(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Plaques of multiple sclerosis around the ventricles and in the white matter."""
    tissue = anatomy.tissue()
    white = anatomy.coarse(anatomy.atlas.tissues[2])
    ventricles = anatomy.coarse(anatomy.atlas.ventricles) > 0.4
    distance = ndimage.distance_transform_edt(~ventricles) * COARSE_SPACING
    weight = np.where((white > 0.75) & supratentorial(), np.exp(-((distance / 14) ** 2)) + 0.04, 0)
    plaques = np.zeros(SHAPE, dtype=bool)
    for _ in range(int(rng.integers(10, 26))):
        plaques |= ellipsoid_distance(rng, draw_position(rng, weight), rng.lognormal(np.log(5.6), 0.25)) < 1
    plaques &= tissue.brain_mask & (tissue.volume(0) < 0.4) & (tissue.volume(2) > 0.2)
    return Lesion(
        tissue, (Replacement("plaque", without_small_components(plaques, 8), rng.uniform(0.85, 1.0)),)
    )


def ellipsoid_distance(rng: np.random.Generator, centre: Array, radius: float) -> Array:
    """Distance to `centre` (3,) mm divided by the radius of an irregular ellipsoid, (*SHAPE); below 1 is inside.

    radius: its mean radius, mm.
    """
    stretch = np.exp(np.clip(rng.normal(0, 0.15, 3), -0.3, 0.3)).astype(np.float32)
    away = (coarse_positions() - centre[:, None, None, None]) / stretch[:, None, None, None]
    rough = np.float32(0.16) * coarse_field(rng, min(radius, 10.0))
    return to_fine(np.sqrt((away**2).sum(axis=0)) / np.float32(radius) + rough)


def single_component(mask: Mask, brain_mask: Mask) -> Mask:
    """A mask smoothed over one voxel, holes filled, its largest component, inside the brain."""
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 1.0) > 0.5
    return largest(ndimage.binary_fill_holes(smooth & brain_mask) & brain_mask)


def without_small_components(mask: Mask, voxels: int) -> Mask:
    """The mask without its components of fewer than `voxels` voxels."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= voxels)[labels])


def supratentorial() -> Mask:
    """The coarse nodes of the cerebrum, approximately, (*COARSE_SHAPE): above z = 2 mm, and the temporal lobes."""
    x, y, z = coarse_positions() + np.array(ORIGIN, dtype=np.float32)[:, None, None, None]
    return np.asarray((z > 2) | ((z > -20) & (y > -32) & (np.abs(x) > 24)))


def draw_position(rng: np.random.Generator, weight: Array) -> Array:
    """A random position (3,), mm: a coarse node drawn with `weight` (*COARSE_SHAPE), plus up to half a node spacing."""
    chances = weight.ravel().astype(np.float64)
    node = np.unravel_index(rng.choice(chances.size, p=chances / chances.sum()), weight.shape)
    jitter = rng.uniform(-0.5, 0.5, 3)
    return np.asarray((np.array(node) + jitter) * COARSE_SPACING, dtype=np.float32)


def _deep_white_matter(rng: np.random.Generator, anatomy: Anatomy) -> Array:
    """A random position of a tumour: cerebral white matter, not far below the cortex."""
    depth = anatomy.depth()
    white = anatomy.coarse(anatomy.atlas.tissues[2]) > 0.6
    return draw_position(rng, (white & supratentorial() & (depth > 10) & (depth < 34)).astype(np.float32))
