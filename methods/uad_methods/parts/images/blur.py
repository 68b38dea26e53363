"""A Gaussian blur of maps, as scipy's, on the device."""

from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage


def gaussian_blur(maps: torch.Tensor, sigma: float, radius: int | None = None) -> torch.Tensor:
    """Maps (..., X, Y) under a Gaussian of `sigma` pixels, mirrored at the edges; float32.

    reach: pixels to either side that count; None: 4 sigma. Two products of matrices: deterministic on a GPU, and
    not rounded to TF32 there, as a convolution is.
    """
    along_x, along_y = (_blur_matrix(size, sigma, radius, maps.device) for size in maps.shape[-2:])
    with torch.autocast(maps.device.type, enabled=False):
        return along_x @ maps.float() @ along_y.T


@lru_cache(maxsize=16)
def _blur_matrix(size: int, sigma: float, radius: int | None, device: torch.device) -> torch.Tensor:
    """The matrix (size, size) that blurs a line: scipy's answer to each unit vector, a column each."""
    columns = ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect", radius=radius)
    return torch.from_numpy(columns).float().to(device)
