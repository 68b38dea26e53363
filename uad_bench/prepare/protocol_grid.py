"""Whether a prepared case is on the grid that its protocol states: metrics in mm rely on it."""

from collections.abc import Sequence

import numpy as np

from uad_bench.config import Grid


def other_grid(shape: Sequence[int], spacing: Sequence[float], grid: Grid) -> str:
    """Both grids in words where shape (X, Y, Z) or voxel size (mm, to 1 in 1000) differ, else "".

    >>> other_grid((4, 4, 4), (2, 2, 2), Grid(spacing=(2, 2, 2), shape=(4, 4, 4)))
    ''
    >>> other_grid((4, 4, 4), (2, 2, 2), Grid(spacing=(3, 3, 3), shape=(4, 4, 4)))
    '4x4x4 voxels of 2x2x2 mm in place of 4x4x4 voxels of 3x3x3 mm'
    """
    if tuple(shape) == tuple(grid.shape) and np.allclose(spacing, grid.spacing, rtol=1e-3, atol=0):
        return ""
    mine, its = (
        f"{'x'.join(map(str, one))} voxels of {'x'.join(f'{size:.4g}' for size in sizes)} mm"
        for one, sizes in ((shape, spacing), (grid.shape, grid.spacing))
    )
    return f"{mine} in place of {its}"
