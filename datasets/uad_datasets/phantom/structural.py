"""Lesions of form alone: anatomy that is missing or in the wrong place, made of ordinary tissue."""

import numpy as np
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue
from uad_datasets.phantom.grid import ORIGIN, Array, coarse_positions, to_fine
from uad_datasets.phantom.lesions import Lesion, Mask, Paint, ball, pick, supratentorial, tidy


def structural(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """One of: smooth thick cortex without folds, grey matter deep in the white, a lateral ventricle missing."""
    return (_smooth_cortex, _heterotopia, _absent_ventricle)[int(rng.integers(3))](rng, anatomy)


def _smooth_cortex(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Pachygyria: a thick flat band of cortex where folds should be."""
    tissue, depth = anatomy.tissue(), anatomy.depth()
    centre = pick(rng, ((depth > 3) & (depth < 9) & supratentorial()).astype(np.float32))
    region = (ball(rng, centre, rng.uniform(26.0, 33.0)) < 1) & tissue.brain_mask
    band = to_fine(depth) < rng.uniform(8.0, 11.0)
    altered = _altered(tissue, region & band, 1) | _altered(tissue, region & ~band, 2)
    # Between folds that are gone lies tissue that happens to be right; the pattern is lost there all the same.
    pattern = region & (ndimage.gaussian_filter(altered.astype(np.float32), 2.5) > 0.25)
    mask = tidy(pattern, tissue.brain_mask)
    return Lesion(tissue, (Paint("wm", mask & ~band, 1.0), Paint("gm", mask & band, 1.0)))


def _heterotopia(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """Grey matter that stayed in the deep white matter."""
    tissue, white = anatomy.tissue(), anatomy.coarse(anatomy.atlas.tissues[2])
    centre = pick(rng, ((white > 0.8) & (anatomy.depth() > 16) & supratentorial()).astype(np.float32))
    region = ball(rng, centre, rng.uniform(18.0, 24.0)) < 1
    return Lesion(tissue, (Paint("gm", tidy(_altered(tissue, region, 1), tissue.brain_mask), 1.0),))


def _absent_ventricle(rng: np.random.Generator, anatomy: Anatomy) -> Lesion:
    """White matter where one side's lateral ventricle should be."""
    tissue = anatomy.tissue()
    near = to_fine(ndimage.gaussian_filter(anatomy.coarse(anatomy.atlas.ventricles), 0.7)) > 0.05
    side = to_fine(coarse_positions()[0] + np.float32(ORIGIN[0])) * rng.choice([-1, 1]) > 0
    mask = tidy(_altered(tissue, near & side, 2), tissue.brain_mask)
    return Lesion(tissue, (Paint("wm", mask, 1.0),))


def _altered(tissue: Tissue, region: Mask, index: int) -> Mask:
    """Where in `region` most of what is there is not yet tissue `index`."""
    missing: Array = 1 - ndimage.gaussian_filter(tissue.volume(index), 0.8)
    return np.asarray(region & tissue.brain_mask & (missing > 0.45))
