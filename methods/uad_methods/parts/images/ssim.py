"""Differentiable map of the structural similarity (Wang et al. 2004)."""

from functools import lru_cache

import torch

C1, C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for a range of 1


def ssim_map(a: torch.Tensor, b: torch.Tensor, window: int = 5, sigma: float = 1.5) -> torch.Tensor:
    """SSIM of images (n, C, X, Y), per pixel and channel, in [-1, 1]; equal images 1.

    Local moments with Gaussian weights in a window of `window` pixels; beyond the border images are 0. Always
    computed in float32: a variance as a difference of two moments is too inaccurate in bf16.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = a.float(), b.float()
        along_x, along_y = (_band(size, window, sigma, a.device) for size in a.shape[-2:])

        def mean(values: torch.Tensor) -> torch.Tensor:
            return along_x @ values @ along_y

        mean_a, mean_b = mean(a), mean(b)
        product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
        covariance, variances = mean(a * b) - product, mean(a**2 + b**2) - squares
        return (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2))


@lru_cache(maxsize=16)
def _band(size: int, window: int, sigma: float, device: torch.device) -> torch.Tensor:
    """Symmetric matrix (size, size) that smooths a line with zeros beyond its ends.

    A matrix product is as fast as a convolution here, and is not rounded to TF32 on a GPU by default.
    """
    place = torch.arange(size)
    distance = (place[:, None] - place).abs()
    half = window // 2
    weights = torch.exp(-0.5 * (torch.arange(-half, half + 1) / sigma) ** 2)
    band = torch.exp(-0.5 * (distance / sigma) ** 2) * (distance <= half) / weights.sum()
    return band.to(device)
