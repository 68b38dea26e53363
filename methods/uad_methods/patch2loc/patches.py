"""Positions of patches, their fraction of brain, and their extraction from slices.

A patch of side s at (x, y) covers rows x - s//2 .. x - s//2 + s - 1, and columns likewise; outside the slice
it is 0. An even patch of 24 at 12 thus covers 0 .. 23, its centre pixel has index 12.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

from uad_bench.errors import UsageError


class Positions(NamedTuple):
    """Patch centres, int64 (k,) each: slice index in the batch, x and y in pixels."""

    slice: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor


class Where(NamedTuple):
    """Pixels of slices: a mask, bool (n, X, Y), and how many are true, which the CPU then need not ask the GPU."""

    mask: torch.Tensor
    number: int


Region = Where | torch.Tensor  # a mask alone: the CPU waits for the GPU to count


def mask_of(region: Region) -> torch.Tensor:
    """The mask of a region, bool (n, X, Y)."""
    return region.mask if isinstance(region, Where) else region


def positions(region: Region) -> Positions:
    """The pixels of a region in the order of slice, x, y."""
    if not isinstance(region, Where):
        return Positions(*region.nonzero().unbind(1))
    flat = region.mask.flatten().cumsum(0)  # the k-th pixel is the first with a count above k
    ranks = torch.arange(region.number, device=flat.device)
    return unraveled(torch.searchsorted(flat, ranks, right=True), region.mask.shape)


def unraveled(flat: torch.Tensor, shape: torch.Size) -> Positions:
    """Indices in flattened slices (n, X, Y) as positions; `torch.unravel_index` would wait for the device."""
    _, X, Y = shape
    return Positions(flat // (X * Y), flat // Y % X, flat % Y)


def require_smaller_patches(sides: Sequence[int], slice_shape: Sequence[int]) -> None:
    """Raise UsageError where the side of a patch exceeds that of a slice (X, Y)."""
    if max(sides) > max(slice_shape):
        shape = " x ".join(map(str, slice_shape))
        what = f"patches of {max(sides)} pixels are larger than slices of {shape}"
        raise UsageError(what, hint=f"give a side of up to {max(slice_shape)}", code="UB202")


def padded(slices: torch.Tensor, side: int) -> torch.Tensor:
    """Slices (n, C, X, Y) padded with zeros: (n, C, X + side - 1, Y + side - 1).

    Row x of the result is the first row of the patch at x, so every pixel of the slice has a complete patch.
    """
    before = side // 2
    after = side - before - 1
    return functional.pad(slices, (before, after, before, after))


def cut(slices: torch.Tensor, at: Positions, side: int) -> torch.Tensor:
    """Patches (k, C, side, side) at `at`, from slices padded by `padded`."""
    windows = slices.unfold(2, side, 1).unfold(3, side, 1)  # a view: (n, C, X, Y, side, side)
    return windows[at.slice, :, at.x, at.y]


def brain_share(brain: torch.Tensor, side: int) -> torch.Tensor:
    """Fraction of brain in the patch of each pixel, 0 to 1; bool (n, X, Y) -> float (n, X, Y)."""
    brain_pixels = padded(brain[:, None].float(), side)
    rows = functional.avg_pool2d(brain_pixels, (side, 1), stride=1, divisor_override=1)
    counts = functional.avg_pool2d(rows, (1, side), stride=1, divisor_override=1)
    return counts[:, 0] / side**2


def locations(images: torch.Tensor) -> torch.Tensor:
    """Target of each pixel of slices (n, C, X, Y), (X, Y, 2): its indices in percent of X and Y."""
    X, Y = images.shape[2:]
    x = 100 * torch.arange(X, device=images.device) / X
    y = 100 * torch.arange(Y, device=images.device) / Y
    return torch.stack(torch.meshgrid(x, y, indexing="ij"), dim=2)


def draw_candidates(enough: torch.Tensor, candidates: int, rng: torch.Generator) -> Positions:
    """Uniform random positions, of which only those where `enough` (n, X, Y) is true are kept.

    Their number varies: about half of `candidates` in slices that are filled by brain.
    """
    flat = torch.randint(enough.numel(), (candidates,), generator=rng, device=enough.device)
    return Positions(*torch.unravel_index(flat[enough.flatten()[flat]], enough.shape))
