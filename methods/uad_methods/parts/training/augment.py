"""Random affine augmentation of slices."""

import math

import torch
from torch.nn import functional


def random_affine(
    images: torch.Tensor,
    rng: torch.Generator,
    *,
    angle: float = 10.0,
    shift: float = 0.1,
    scale: float = 0.1,
    flip: float = 0.5,
) -> torch.Tensor:
    """Square images (n, C, side, side), each rotated, shifted, scaled and mirrored at random; padded with zeros.

    angle: maximum, degrees.
    shift: maximum along each axis, as a fraction of the side.
    scale: factors from 1 - scale to 1 + scale.
    flip: probability of mirroring X (left and right).
    """
    draw = torch.rand((5, len(images)), generator=rng, device=rng.device)
    turn = math.radians(angle) * (2 * draw[0] - 1)
    size = 1 + scale * (2 * draw[1] - 1)
    mirror = 1 - 2 * (draw[4] < flip).float()
    cos, sin = turn.cos() / size, turn.sin() / size
    # affine_grid maps output to input coordinates, in units of half a side, the last axis first.
    move = 2 * shift * (2 * draw[2:4] - 1)
    rows = torch.stack([cos, -sin * mirror, move[0], sin, cos * mirror, move[1]], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
