"""A function of square windows applied to whole slices: overlapping windows, blended with Gaussian weights."""

from collections.abc import Callable

import torch

SPREAD = 1 / 8  # standard deviation of the weights, as a fraction of the window's side
SMALLEST = 1e-3  # weight, relative to the centre's: the outermost pixels belong to one window only


def window_starts(size: int, side: int, stride: int) -> list[int]:
    """First pixels of windows that cover a line of `size` pixels, the last one at its end. Needs size >= side."""
    return [*range(0, size - side, stride), size - side]


def gaussian_window(side: int, device: torch.device | str) -> torch.Tensor:
    """Weights (side, side), 1 at the centre."""
    at = torch.arange(side, device=device) - (side - 1) / 2
    line = torch.exp(-0.5 * (at / (SPREAD * side)).square())
    return (line[:, None] * line).clamp(min=SMALLEST)


def blended(
    images: torch.Tensor, side: int, stride: int, function: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """The weighted mean of what `function`, (m, C, side, side) to the same shape, makes of every window: (n, C, X, Y).

    images: slices (n, C, X, Y), no side smaller than `side`.
    """
    x, y = images.shape[-2:]
    corners = [(i, j) for i in window_starts(x, side, stride) for j in window_starts(y, side, stride)]
    windows = torch.cat([images[..., i : i + side, j : j + side] for i, j in corners])
    if len(corners) == 1:
        return function(windows)
    parts = torch.split(function(windows), len(images))
    weight, total = gaussian_window(side, images.device), torch.zeros_like(images)
    weights = torch.zeros_like(images[0, 0])
    for (i, j), part in zip(corners, parts, strict=True):
        total[..., i : i + side, j : j + side] += part * weight
        weights[i : i + side, j : j + side] += weight
    return total / weights
