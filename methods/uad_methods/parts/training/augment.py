"""Healthy slices turned, shifted, scaled and mirrored a little: what the papers train on."""

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
    """Square images (n, C, side, side), each moved by its own draw; zeros come in from outside.

    angle: degrees at most. shift: share of the side at most, along each axis. scale: 1 - scale to 1 + scale.
    flip: how often X (left and right) is mirrored.
    """
    draw = torch.rand((5, len(images)), generator=rng, device=rng.device)
    turn = math.radians(angle) * (2 * draw[0] - 1)
    size = 1 + scale * (2 * draw[1] - 1)
    mirror = 1 - 2 * (draw[4] < flip).float()
    cos, sin = turn.cos() / size, turn.sin() / size
    # affine_grid goes from where a pixel lies to where it comes from, in units of half a side, the last axis first.
    move = 2 * shift * (2 * draw[2:4] - 1)
    rows = torch.stack([cos, -sin * mirror, move[0], sin, cos * mirror, move[1]], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
