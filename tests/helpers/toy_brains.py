"""A toy brain for tests of the registration: its volumes, grids and poses."""

import numpy as np
from scipy.spatial.transform import Rotation

from uad_bench.data.nifti.read import Grid, Image, Mask, Volume

RADII = np.array([52.0, 66.0, 46.0])


def toy_values(points):
    """A brain of 690 ml at `points` (..., 3), mm: grey rind, white core, dark ventricles, a bulge below at the back.

    Symmetric from left to right and in no other way; 0 outside.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    depth = np.sqrt(((points / RADII) ** 2).sum(axis=-1))
    bulge = np.sqrt(((points - (0, -48, -40)) / (34, 24, 20)) ** 2 @ np.ones(3))
    ventricles = ((abs(x) - 12) / 7) ** 2 + ((y - 8) / 24) ** 2 + ((z - 14) / 9) ** 2 < 1
    values = np.where(depth < 0.78, 0.9, 0.55)
    values = np.where((depth >= 1) & (bulge < 1), 0.7, values)
    values = np.where(ventricles, 0.2, values) + 0.15 * np.sin(y / 7) * np.sin(z / 8 + 1) * np.cos(x / 8)
    return np.where((depth < 1) | (bulge < 1), values, 0)


def toy(pose=None, affine=None, shape=(60, 70, 60), inverted=False) -> tuple[Image, Mask]:
    """The toy under `pose`, seen on a grid: by default voxels of 3 mm about the origin."""
    grid = centred(shape, 3.0) if affine is None else Grid(shape, affine)
    there = np.eye(4) if pose is None else np.linalg.inv(pose)
    points = (
        np.moveaxis(np.indices(shape), 0, -1) @ (there @ grid.affine)[:3, :3].T + (there @ grid.affine)[:3, 3]
    )
    values = toy_values(points).astype(np.float32)
    mask = values != 0
    return Volume(np.where(mask, 1.3 - values if inverted else values, 0), grid.affine), Volume(
        mask, grid.affine
    )


def centred(shape, *spacing: float) -> Grid:
    affine = np.diag([*np.broadcast_to(spacing, 3), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2
    return Grid(shape, affine)


def pose_of(degrees=(0, 0, 0), scales=(1, 1, 1), shift=(0, 0, 0)) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(scales)
    pose[:3, 3] = shift
    return pose


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What lies between two poses over a box of the toy's size, mm."""
    corners = (np.indices((3, 3, 3)).reshape(3, -1).T - 1) * RADII * 0.6
    return np.linalg.norm(corners @ (one - other)[:3, :3].T + (one - other)[:3, 3], axis=1)
