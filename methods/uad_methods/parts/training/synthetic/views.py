"""Random views of training slices: crops around the brain with spatial and intensity augmentation (DISYRE).

Everything is drawn and computed for whole batches on the device.
"""

import math

import torch
from torch.nn import functional

from uad_methods.parts.training.intensity import blur

SPATIAL = 0.1  # probability of each spatial change
INTENSITY = 0.15  # probability of each change of intensities
ANGLE = math.radians(15)
ZOOM = (0.75, 1.25)
BEND = 4 / 128  # largest standard deviation of the elastic displacement, as a fraction of the patch's side
NODES = 4  # of the elastic displacement along each axis


def random_views(
    images: torch.Tensor, brain: torch.Tensor, side: int, rng: torch.Generator, *, augment: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random squares of `side` pixels of slices (n, C, X, Y) and of their masks (n, X, Y), padded with zeros.

    A square lies inside the bounding box of the brain along an axis where the box is longer, and around it where the
    box is shorter. augment: with probability 0.1 each elastic deformation, rotation by up to 15 degrees and scaling by
    0.75 to 1.25; mirroring of each axis; then `change_intensity`.
    """
    n, channels = images.shape[:2]
    first = _crop_starts(brain, side, rng)
    offsets = torch.arange(side, device=images.device) - (side - 1) / 2
    at = torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), dim=-1).expand(n, side, side, 2)
    if augment:
        at = _deformed(at, side, rng)
    grid = _normalised(at + (first + (side - 1) / 2)[:, None, None], images.shape[2:])
    both = torch.cat([images, brain[:, None].float()], dim=1)
    found = functional.grid_sample(both, grid, align_corners=True)
    inside = found[:, channels] > 0.5
    views = found[:, :channels] * inside[:, None]
    return (change_intensity(views, inside, rng) if augment else views), inside


def change_intensity(images: torch.Tensor, brain: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Images (n, C, X, Y) in [0, 1] after random changes, each with probability 0.15; 0 outside the brain.

    Factor 0.9 to 1.1, exponent 0.5 to 2, exponent of the inverted image, noise of variance up to 0.05, blur of 0.5 to
    1.5 pixels.
    """
    n, channels, x, y = images.shape
    draw, applied = _uniform((5, n), rng), (_uniform((5, n), rng) < INTENSITY).float()
    factor, gamma, inverted, deviation, width = (
        (draw * applied + neutral * (1 - applied))[..., None, None, None]
        for draw, applied, neutral in zip(_ranges(draw), applied, (1, 1, 1, 0, 0), strict=True)
    )
    noise = torch.randn(images.shape, generator=rng, device=rng.device)
    changed = (images * factor).clamp(0, 1) ** gamma
    changed = 1 - (1 - changed) ** inverted
    changed = changed + deviation * noise
    widths = width.view(n, 1).expand(n, 2).repeat_interleave(channels, dim=0)
    blurred = blur(changed.reshape(-1, x, y), widths).view_as(images)
    return blurred.clamp(0, 1) * brain[:, None]


def _ranges(draw: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Uniform numbers (5, n) on the ranges of the five changes."""
    return (
        0.9 + 0.2 * draw[0],
        0.5 + 1.5 * draw[1],
        0.5 + 1.5 * draw[2],
        (0.05 * draw[3]).sqrt(),
        0.5 + draw[4],
    )


def _crop_starts(brain: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """First pixels (n, 2) of random crops inside the brain's bounding box, or around it."""
    starts = []
    for axis, draw in zip((2, 1), _uniform((2, len(brain)), rng), strict=True):
        occupied = brain.any(dim=axis).float()  # along the other axis
        size = occupied.shape[1]
        low, high = occupied.argmax(dim=1), size - occupied.flip(1).argmax(dim=1)
        room = high - low - side
        starts.append(low + torch.where(room > 0, (draw * (room + 1)).floor(), (room / 2).floor()))
    return torch.stack(starts, dim=1)


def _deformed(at: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """Coordinates (n, side, side, 2) relative to the crop's centre, mirrored, turned, scaled and bent at random."""
    n = len(at)
    draw = _uniform((8, n), rng)
    applied = (draw[:3] < SPATIAL).float()
    angle = applied[0] * ANGLE * (2 * draw[3] - 1)
    zoom = 1 + applied[1] * (ZOOM[0] - 1 + (ZOOM[1] - ZOOM[0]) * draw[4])
    mirror = 1 - 2 * (draw[5:7] < 0.5).float()
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    matrix = torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)
    coarse = torch.randn((n, 2, NODES, NODES), generator=rng, device=rng.device)
    bend = functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)
    bend = bend * (applied[2] * draw[7] * BEND * side)[:, None, None, None]
    turned = torch.einsum("nxya,nba->nxyb", at * mirror.T[:, None, None], matrix)
    return turned + bend.permute(0, 2, 3, 1)


def _normalised(at: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Pixel coordinates (n, x, y, 2) as `grid_sample` takes them: the last axis first, -1 and 1 at the outer pixels."""
    x, y = (2 * at[..., i] / max(size - 1, 1) - 1 for i, size in enumerate(shape))
    return torch.stack([y, x], dim=-1)


def _uniform(shape: tuple[int, ...], rng: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=rng, device=rng.device)
