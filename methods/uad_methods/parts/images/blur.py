"""A Gaussian blur of maps, as scipy's, on the device."""

from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage


def blurred(maps: torch.Tensor, sigma: float, reach: int | None = None) -> torch.Tensor:
    """Maps (..., X, Y) under a Gaussian of `sigma` pixels, mirrored at the edges; float32.

    reach: pixels to either side that count; None: 4 sigma. Two products of matrices: deterministic on a GPU, and
    not rounded to TF32 there, as a convolution is.
    """
    along_x, along_y = (_band(size, sigma, reach, maps.device) for size in maps.shape[-2:])
    with torch.autocast(maps.device.type, enabled=False):
        return along_x @ maps.float() @ along_y.T


@lru_cache(maxsize=16)
def _band(size: int, sigma: float, reach: int | None, device: torch.device) -> torch.Tensor:
    """The matrix (size, size) that blurs a line: scipy's answer to each unit vector, a column each."""
    answers = ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect", radius=reach)
    return torch.from_numpy(answers).float().to(device)
