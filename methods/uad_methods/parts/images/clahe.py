"""CLAHE: contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of whole batches on the device.

Tiles, bins and rounding are those of scikit-image's `equalize_adapthist`, which RA and PHANES were developed
with.
"""

from functools import lru_cache

import numpy as np
import torch

SIXTEEN_BITS, LEVELS, BINS = 2**16 - 1, 2**14, 256
TILES = 8  # along each axis
LIMIT = 0.01  # maximal fraction of a tile's pixels in one bin
MAX_ROUNDS = 8  # of the redistribution of the excess; more were never needed


def clahe(images: torch.Tensor) -> torch.Tensor:
    """Images (n, C, X, Y) in [0, 1], equalised per image and channel; float32 in [0, 1].

    Every image is rescaled to its full range before and after, so noise in an empty image would fill the
    range. A constant image becomes 0. X and Y must be at least 8.
    """
    flat, (x, y) = images.flatten(0, 1).clamp(0, 1).double(), images.shape[-2:]
    tile = max(x // TILES, 1), max(y // TILES, 1)
    level = (_rescaled((flat * SIXTEEN_BITS).round()) * (LEVELS - 1)).round().long()
    bins = level // (1 + LEVELS // BINS)
    across, along = (
        _reflected_indices(size, step, bins.device) for size, step in zip((x, y), tile, strict=True)
    )
    tiles = bins[:, across[:, None], along].unfold(1, tile[0], tile[0]).unfold(2, tile[1], tile[1]).flatten(3)
    return _rescaled(_interpolated(_level_maps(tiles), bins, tile)).float().view_as(images)


def _rescaled(images: torch.Tensor) -> torch.Tensor:
    """Integers (n, X, Y) rescaled to [0, 1], each image by its own range."""
    low, high = images.amin((1, 2), keepdim=True), images.amax((1, 2), keepdim=True)
    return (images - low) / (high - low).clamp(min=1)


@lru_cache(maxsize=16)
def _reflected_indices(size: int, tile: int, device: torch.device) -> torch.Tensor:
    """Indices of a line of pixels, extended by reflection at its far end to whole tiles."""
    return torch.from_numpy(np.pad(np.arange(size), (0, -size % tile), mode="reflect")).to(device)


def _level_maps(tiles: torch.Tensor) -> torch.Tensor:
    """New level of each bin of each tile (n, tx, ty, 256), from the pixels of the tiles (n, tx, ty, pixels).

    The cumulative histogram of a tile with clipped counts, which limits its slope and thereby the gain.
    """
    pixels = tiles.shape[3]
    counts = torch.zeros((*tiles.shape[:3], BINS), dtype=torch.int64, device=tiles.device)
    counts.scatter_add_(3, tiles, torch.ones_like(tiles))
    sums = _clipped(counts, max(int(LIMIT * pixels), 1)).cumsum(dim=3)
    return (sums.double() * ((LEVELS - 1) / pixels)).clamp(max=LEVELS - 1).floor()


def _clipped(counts: torch.Tensor, limit: int) -> torch.Tensor:
    """Counts with at most `limit` per bin; the excess is redistributed, first in equal parts, then one by one."""
    cut = counts.clamp(max=limit)
    excess = (counts - cut).sum(dim=3, keepdim=True)
    share = excess // BINS
    raised = cut + share * (cut < limit - share)
    full = torch.where(
        raised >= limit - share, limit, raised
    )  # including bins that the equal part brings near the limit
    excess = excess - (full - cut).sum(dim=3, keepdim=True)
    place = torch.arange(BINS, device=counts.device)
    for first in range(MAX_ROUNDS):
        free = full < limit
        step = (free.sum(dim=3, keepdim=True) // excess.clamp(min=1)).clamp(min=1)
        given = free & (place >= first) & ((place - first) % step == 0) & (excess > 0)
        full = full + given
        excess = excess - given.sum(dim=3, keepdim=True)
    return full


def _interpolated(level_maps: torch.Tensor, bins: torch.Tensor, tile: tuple[int, int]) -> torch.Tensor:
    """New level of each pixel (n, X, Y), bilinearly interpolated between the mappings of the four tiles around it."""
    slot = torch.arange(len(bins), device=bins.device)[:, None, None]
    out = torch.zeros_like(bins, dtype=torch.float64)
    rows, columns = (
        _neighbouring_tiles(bins.shape[i + 1], tile[i], level_maps.shape[i + 1], bins.device) for i in (0, 1)
    )
    for row, row_share in rows:
        for column, column_share in columns:
            share = (row_share[:, None] * column_share).to(out)
            out += share * level_maps[slot, row[:, None], column, bins]
    return out.floor()


@lru_cache(maxsize=16)  # copying them for every image would make the CPU wait for the GPU
def _neighbouring_tiles(
    size: int, tile: int, tiles: int, device: torch.device
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Indices of the tiles before and after each pixel of a line, and their weights: two pairs of (size,)."""
    place = torch.arange(size) + tile // 2
    after, far = place // tile, (place % tile) / tile
    before = (after - 1).clamp(min=0)
    pairs = [(before, 1 - far), (after.clamp(max=tiles - 1), far)]
    return [(index.to(device), share.to(device)) for index, share in pairs]
