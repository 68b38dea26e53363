"""Structural similarity as a map that gradients flow through."""

from functools import lru_cache

import torch

C1, C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for a range of 1


def ssim_map(a: torch.Tensor, b: torch.Tensor, window: int = 5, sigma: float = 1.5) -> torch.Tensor:
    """SSIM of (n, C, X, Y) with (n, C, X, Y), pixel by pixel and channel by channel, in [-1, 1]; equal: 1.

    Moments under a Gaussian of `window` pixels a side; beyond the border everything is 0. Always in float32:
    a variance as a difference of two moments does not survive bf16.
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
    """The symmetric (size, size) matrix that smooths a line with zeros beyond its ends.

    A product, as fast as a convolution here: convolutions round to TF32 on a GPU, products do not by default.
    """
    place = torch.arange(size)
    distance = (place[:, None] - place).abs()
    half = window // 2
    weights = torch.exp(-0.5 * (torch.arange(-half, half + 1) / sigma) ** 2)
    band = torch.exp(-0.5 * (distance / sigma) ** 2) * (distance <= half) / weights.sum()
    return band.to(device)
