"""The grid of every phantom, and random numbers and fields on it.

Axes (x, y, z) are RAS+. Fine grid: 80 x 96 x 80 voxels of 2 mm, the whole brain. Coarse grid: every second fine
node plus one, 4 mm, for deformations. Positions are in mm from the centre of the first voxel.
"""

import hashlib

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]

SHAPE = (80, 96, 80)
SPACING = 2.0
COARSE_SHAPE = (41, 49, 41)
COARSE_SPACING = 4.0
#: MNI152 coordinates, in mm, of the centre of the first voxel.
ORIGIN = (-79.0, -112.0, -73.0)


def affine() -> npt.NDArray[np.float64]:
    """Voxel to MNI mm, (4, 4)."""
    matrix = np.diag([SPACING, SPACING, SPACING, 1.0])
    matrix[:3, 3] = ORIGIN
    return matrix


def rng_for(seed: int, case_id: str) -> np.random.Generator:
    """The random generator of one case, a function of (seed, case_id) alone: order and workers do not matter."""
    digest = hashlib.sha256(f"phantom/{seed}/{case_id}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def coarse_positions() -> Array:
    """The position, mm, of every coarse node, (3, *COARSE_SHAPE)."""
    return np.indices(COARSE_SHAPE, dtype=np.float32) * np.float32(COARSE_SPACING)


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Array:
    """A Gaussian random field with mean 0 and standard deviation 1; `sigma` is its smoothness in nodes."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, sigma, mode="wrap", truncate=3.0)
    return np.asarray((smooth - smooth.mean()) / smooth.std(), dtype=np.float32)


def coarse_field(rng: np.random.Generator, scale: float) -> Array:
    """A random field on the coarse grid, smooth over `scale` mm, (*COARSE_SHAPE)."""
    return smooth_field(rng, COARSE_SHAPE, scale / COARSE_SPACING)


def sample(volume: Array, positions: Array, spacing: float) -> Array:
    """Linear interpolation of `volume` (X, Y, Z) at `positions` (3, ...) in mm; nearest beyond the border."""
    values = ndimage.map_coordinates(volume, positions / np.float32(spacing), order=1, mode="nearest")
    return np.asarray(values, dtype=np.float32)


def to_fine(field: Array) -> Array:
    """A coarse field (*COARSE_SHAPE) at the fine voxels (*SHAPE), linear between nodes."""
    for axis in range(3):
        nodes = np.moveaxis(field, axis, 0)
        between = (nodes[:-1] + nodes[1:]) / 2
        fine = np.stack([nodes[:-1], between], axis=1).reshape(-1, *between.shape[1:])
        field = np.moveaxis(fine, 0, axis)
    return np.ascontiguousarray(field)
