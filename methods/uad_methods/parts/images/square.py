"""Resizing of slices to the square input of a network, and of maps back to the grid."""

import torch
from torch.nn import functional


def to_square(images: torch.Tensor, side: int) -> torch.Tensor:
    """(n, C, X, Y) -> (n, C, side, side): padded with zeros to a square, then resized bilinearly with antialiasing."""
    x, y = images.shape[-2:]
    left, right, top, bottom = _margins(x, y)
    return _resized(functional.pad(images, (top, bottom, left, right)), side)


def from_square(maps: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """(n, side, side) -> (n, X, Y) of `shape`: inverse of `to_square`."""
    x, y = shape
    left, _, top, _ = _margins(x, y)
    return _resized(maps[:, None], max(x, y))[:, 0, left : left + x, top : top + y]


def _margins(x: int, y: int) -> tuple[int, int, int, int]:
    """Zeros before and after X, before and after Y, that make a square."""
    dx, dy = max(0, y - x), max(0, x - y)
    return dx // 2, dx - dx // 2, dy // 2, dy - dy // 2


def _resized(images: torch.Tensor, side: int) -> torch.Tensor:
    if images.shape[-1] == side:
        return images
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
