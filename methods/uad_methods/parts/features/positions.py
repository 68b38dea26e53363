"""Positions of feature maps that have brain: which they are, random ones of them, and their values as a map."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.square import from_square, to_square


def brain_cells(brain: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Brain masks (n, X, Y) -> 1 for positions (n, x, y) of a feature map with brain in their cell, else 0.

    side: of the square to which slices are resized, 0 where they keep their grid; stride: pixels between positions.
    """
    masks = brain[:, None].float()
    pixels = (to_square(masks, side) > 0).float() if side else masks
    return functional.max_pool2d(pixels, stride)[:, 0]


def shares(sizes: torch.Tensor, total: int) -> list[int]:
    """Whole numbers in proportion to `sizes` (n,) whose sum is `total`.

    >>> shares(torch.tensor([1, 1, 2, 4]), 4)
    [0, 1, 1, 2]
    """
    borders = sizes.cumsum(0) * total // sizes.sum()
    return borders.diff(prepend=borders.new_zeros(1)).tolist()


def draw_positions(
    cells: torch.Tensor, counts: Sequence[int], rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """At most `counts` random positions with brain of each slice: (n, m) indices in x y, (n, m) which of these count.

    cells: (n, x, y), as of `brain_cells`.
    """
    inside = cells.flatten(1)
    keys = torch.rand(inside.shape, generator=rng, device=inside.device) * inside
    best = keys.topk(min(max(counts), inside.shape[1]), dim=1)
    most = torch.tensor(counts, device=inside.device)[:, None]
    rank = torch.arange(best.indices.shape[1], device=inside.device)
    return best.indices, (best.values > 0) & (rank < most)


def at_positions(maps: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Features (n, m, d) of maps (n, d, x, y) at the positions `index` (n, m)."""
    return maps.flatten(2).gather(2, index[:, None].expand(-1, maps.shape[1], -1)).movedim(1, 2)


def slice_map(
    values: torch.Tensor, cells: torch.Tensor, brain: torch.Tensor, side: int, sigma: float
) -> torch.Tensor:
    """Values (n, x, y) -> a map (n, X, Y), resized and smoothed, in which positions without brain have no weight.

    cells: (n, x, y), as of `brain_cells`; brain: (n, X, Y), outside of which the map is 0; side: as of `brain_cells`;
    sigma: of the Gaussian, in pixels of the square or of the grid, 0 for none.
    """
    pair = torch.stack([values * cells, cells], dim=1)
    if side:
        pair = functional.interpolate(pair, (side, side), mode="bilinear", align_corners=False)
    if sigma:
        pair = gaussian_blur(pair, sigma)
    mean = pair[:, 0] / pair[:, 1].clamp(min=1e-6)
    x, y = brain.shape[-2:]
    return (from_square(mean, (x, y)) if side else mean) * brain
