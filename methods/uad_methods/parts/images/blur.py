"""Gaussian blur of maps on the device, equal to scipy's."""

from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage


def gaussian_blur(maps: torch.Tensor, sigma: float, radius: int | None = None) -> torch.Tensor:
    """Maps (..., X, Y) smoothed by a Gaussian of `sigma` pixels, reflected at the edges; float32.

    Computed as two matrix products, which are deterministic on a GPU and, unlike convolutions, not rounded to
    TF32.

        radius: of the kernel in pixels; None for 4 sigma.
    """
    along_x, along_y = (_blur_matrix(size, sigma, radius, maps.device) for size in maps.shape[-2:])
    with torch.autocast(maps.device.type, enabled=False):
        return along_x @ maps.float() @ along_y.T


@lru_cache(maxsize=16)
def _blur_matrix(size: int, sigma: float, radius: int | None, device: torch.device) -> torch.Tensor:
    """Matrix (size, size) that smooths a line; its columns are scipy's results for unit vectors."""
    columns = ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect", radius=radius)
    return torch.from_numpy(columns).float().to(device)
