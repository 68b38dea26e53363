"""Shapes of synthetic anomalies: rectangles, discs, thresholded smooth random fields, with soft edges.

A stand-in for the shapes of DISYRE, a third of which are masks without a licence. All lengths are in pixels of a patch
of 128 pixels and scale with the patch. Computed for whole batches on the device.
"""

import math

import torch
from torch.nn import functional

from uad_methods.parts.training.intensity import blur

REFERENCE = 128  # pixels, side of the patch that the lengths belong to
SIZES = (10, 44)  # smallest and largest side or diameter
SOFT = 5.0  # largest standard deviation of the blur
SOFTENED = 0.7  # share of shapes that are blurred
ANGLE = math.radians(15)
NODES = 12  # of the random field along each axis of the patch
ROUGH = 0.7  # weight of the random field against the paraboloid that limits it
INSIDE = 0.05  # pixels with a larger value are inside a shape


def places(brain: torch.Tensor, reach: int, rng: torch.Generator) -> torch.Tensor:
    """Random brain pixels (n, 2) of masks (n, S, S), at least `reach` pixels from the edges.

    Where no brain pixel is that far from the edges, any pixel that is.
    """
    inner = brain[:, reach : brain.shape[1] - reach + 1, reach : brain.shape[2] - reach + 1]
    key = inner.float() + torch.rand(inner.shape, generator=rng, device=rng.device)
    chosen = key.flatten(1).argmax(dim=1)
    return reach + torch.stack([chosen // inner.shape[2], chosen % inner.shape[2]], dim=1)


def random_shapes(centres: torch.Tensor, brain: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Shapes (n, S, S) in [0, 1] around `centres` (n, 2) for masks (n, S, S); 0 outside the brain.

    Each kind has probability 1/3. A shape lies in a window of half the patch's side.
    """
    n, side = brain.shape[:2]
    scale = side / REFERENCE
    draw = torch.rand((7, n), generator=rng, device=rng.device)
    at = torch.arange(side, device=brain.device)
    x = (at - centres[:, :1] + 0.5)[:, :, None]  # a window reaches as far to both sides
    y = (at - centres[:, 1:] + 0.5)[:, None, :]
    long, wide = (_sizes(one)[:, None, None] * scale for one in draw[:2])
    turn = ANGLE * (2 * draw[2] - 1) * (draw[3] < 0.5)
    kind = (3 * draw[4]).floor()[:, None, None]
    shape = torch.where(
        kind == 0,
        rectangles(x, y, long, wide, turn[:, None, None]),
        torch.where(kind == 1, discs(x, y, long), blobs(x, y, long, rng)),
    ).float()
    deviation = (draw[5] < SOFTENED) * draw[6] * SOFT * scale
    window = (x.abs() < side / 4) & (y.abs() < side / 4)
    return blur(shape, deviation[:, None].expand(n, 2)).clamp(0, 1) * window * brain


def rectangles(
    x: torch.Tensor, y: torch.Tensor, long: torch.Tensor, wide: torch.Tensor, turn: torch.Tensor
) -> torch.Tensor:
    """Bool: rectangles with these sides, turned by `turn` radians, at coordinates relative to their centres."""
    along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    return (along.abs() < long / 2) & (across.abs() < wide / 2)


def discs(x: torch.Tensor, y: torch.Tensor, diameter: torch.Tensor) -> torch.Tensor:
    """Bool: discs."""
    return x.square() + y.square() < diameter.square() / 4


def blobs(x: torch.Tensor, y: torch.Tensor, diameter: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Bool (n, S, S): where a smooth random field exceeds a paraboloid with its zeros on a circle of `diameter`."""
    n, side = x.shape[:2]
    coarse = torch.randn((n, 1, NODES, NODES), generator=rng, device=rng.device)
    field = functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)[:, 0]
    return ROUGH * field > 4 * (x.square() + y.square()) / diameter.square() - 1


def _sizes(draw: torch.Tensor) -> torch.Tensor:
    return SIZES[0] + (SIZES[1] - SIZES[0]) * draw
