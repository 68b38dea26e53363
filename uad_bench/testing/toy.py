"""Toy scans: small synthetic brains on which any method can be fitted and scored in seconds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.method.context import Context
from uad_bench.types import BoolArray, FloatArray, Scan

SHAPE = (16, 32, 8)  # few voxels, different sides, in-plane divisible by 16 as common grids are
SPACING = 8.0  # mm


def toy_scans(
    n: int,
    modalities: Sequence[str] = ("t2",),
    *,
    shape: tuple[int, int, int] = SHAPE,
    seed: int = 0,
    prefix: str = "toy",
) -> list[Scan]:
    """`n` healthy scans, float32 (C, X, Y, Z) in [0, 1] at 8 mm, RAS+: one smooth anatomy, individually varied.

    modalities: one channel each. prefix: of the case ids. Brains are ellipsoids of different size; slices at both
    ends are empty. Scan i depends on `seed`, `prefix` and i only, so a longer list begins with the shorter one.

    >>> [scan.case_id for scan in toy_scans(2)], toy_scans(1, ("t1", "t2"))[0].image.shape
    (['toy-000', 'toy-001'], (2, 16, 32, 8))
    """
    ctx = Context(seed=seed)
    anatomy = smooth(ctx.rng("anatomy"), (len(modalities), *shape), sigma=2.0)
    return [_scan(f"{prefix}-{i:03d}", modalities, anatomy, ctx) for i in range(n)]


def _scan(case_id: str, modalities: Sequence[str], anatomy: FloatArray, ctx: Context) -> Scan:
    rng = ctx.rng("scan", case_id)
    brain = ellipsoid(anatomy.shape[1:], rng.uniform(0.85, 0.95, size=3))
    own = smooth(rng, anatomy.shape, sigma=1.0)
    image = np.where(brain, 0.8 * anatomy + 0.2 * own, 0.0).astype(np.float32)
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    return Scan(case_id, tuple(modalities), image, brain, affine, (SPACING, SPACING, SPACING))


def smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> FloatArray:
    """A smooth random image (..., X, Y, Z) between 0.05 and 1: no brain voxel equals the background, 0."""
    sigmas = (*(0.0 for _ in shape[3:]), sigma, sigma, sigma)
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), sigmas)
    low, high = noise.min(), noise.max()
    return np.asarray(0.05 + 0.95 * (noise - low) / (high - low), np.float32)


def ellipsoid(shape: tuple[int, ...], share: npt.NDArray[np.float64]) -> BoolArray:
    """Bool (X, Y, Z): a centred ellipsoid whose axes are `share` (3,) of the sides of the grid."""
    axes = (np.linspace(-1, 1, size) / part for size, part in zip(shape, share, strict=True))
    distance = sum(np.square(grid) for grid in np.meshgrid(*axes, indexing="ij"))
    return np.asarray(distance <= 1.0)
