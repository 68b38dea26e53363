"""Slices as U-Nets of diffusion models receive them, and maps back on the slices' grid."""

import torch
from torch.nn import functional

from uad_methods.parts.images.square import from_square, to_square


def to_network(images: torch.Tensor, side: int, multiple: int) -> torch.Tensor:
    """Slices (n, C, X, Y) in [0, 1] -> (n, C, x, y) in [-1, 1], with sides that are multiples of `multiple`.

    side: of the square to which they are resized, 0 keeps their size. They are padded with background, -1, at the end.
    """
    images = 2 * (to_square(images, side) if side else images) - 1
    x, y = images.shape[-2:]
    return functional.pad(images, (0, -y % multiple, 0, -x % multiple), value=-1.0)


def from_network(maps: torch.Tensor, shape: tuple[int, int], side: int) -> torch.Tensor:
    """Maps (n, x, y) of the network's input, made with the same `side`, on the grid (X, Y) of `shape`: (n, X, Y)."""
    if side:
        return from_square(maps[:, :side, :side], shape)
    return maps[:, : shape[0], : shape[1]]
