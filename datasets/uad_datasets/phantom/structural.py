"""Structural lesions: anatomy that is missing or misplaced, with the signal of ordinary tissue."""

import numpy as np
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue
from uad_datasets.phantom.grid import ORIGIN, Array, coarse_positions, to_fine
from uad_datasets.phantom.lesions import (
    Lesion,
    Mask,
    Replacement,
    draw_position,
    ellipsoid_distance,
    single_component,
    supratentorial,
)


def structural(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """One of: smooth thick cortex (pachygyria), grey matter in deep white matter (heterotopia), a missing ventricle."""
    return (_smooth_cortex, _heterotopia, _absent_ventricle)[int(rng.integers(3))](rng, anatomy)


def _smooth_cortex(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Pachygyria: a thick smooth band of cortex in the place of folds."""
    tissue, depth = anatomy.tissue(), anatomy.depth()
    centre = draw_position(rng, ((depth > 3) & (depth < 9) & supratentorial()).astype(np.float32))
    region = (ellipsoid_distance(rng, centre, rng.uniform(26.0, 33.0)) < 1) & tissue.brain_mask
    band = to_fine(depth) < rng.uniform(8.0, 11.0)
    altered = _altered(tissue, region & band, 1) | _altered(tissue, region & ~band, 2)
    # Between the missing folds some voxels have the right tissue by chance; they belong to the lesion as well.
    pattern = region & (ndimage.gaussian_filter(altered.astype(np.float32), 2.5) > 0.25)
    mask = single_component(pattern, tissue.brain_mask)
    return Lesion(tissue, (Replacement("wm", mask & ~band, 1.0), Replacement("gm", mask & band, 1.0)))


def _heterotopia(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Heterotopia: grey matter in the deep white matter."""
    tissue, white = anatomy.tissue(), anatomy.coarse(anatomy.atlas.tissues[2])
    centre = draw_position(
        rng, ((white > 0.8) & (anatomy.depth() > 16) & supratentorial()).astype(np.float32)
    )
    region = ellipsoid_distance(rng, centre, rng.uniform(18.0, 24.0)) < 1
    return Lesion(
        tissue, (Replacement("gm", single_component(_altered(tissue, region, 1), tissue.brain_mask), 1.0),)
    )


def _absent_ventricle(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """White matter in the place of one lateral ventricle."""
    tissue = anatomy.tissue()
    near = to_fine(ndimage.gaussian_filter(anatomy.coarse(anatomy.atlas.ventricles), 0.7)) > 0.05
    side = to_fine(coarse_positions()[0] + np.float32(ORIGIN[0])) * rng.choice([-1, 1]) > 0
    mask = single_component(_altered(tissue, near & side, 2), tissue.brain_mask)
    return Lesion(tissue, (Replacement("wm", mask, 1.0),))


def _altered(tissue: Tissue, region: Mask, index: int) -> Mask:
    """The voxels of `region` in which tissue `index` is not yet the main part."""
    missing: Array = 1 - ndimage.gaussian_filter(tissue.volume(index), 0.8)
    return np.asarray(region & tissue.brain_mask & (missing > 0.45))
