"""Masks that shrink onto what a network cannot fill, without a wait for the device in any turn."""

from collections.abc import Callable
from typing import NamedTuple

import torch


class Shrunk(NamedTuple):
    """What is left of n slices. image: filled slices of their last turn (n, C, X, Y). mask: bool (n, X, Y)."""

    image: torch.Tensor
    mask: torch.Tensor


def largest_share(error: torch.Tensor, brain: torch.Tensor, share: float) -> torch.Tensor:
    """The pixels of each slice with the largest `error` (n, X, Y), a `share` of those in `brain`: bool (n, X, Y).

    Rounded down; pixels that tie with the largest one outside the share are left out.
    """
    values = torch.where(brain, error, -1.0).flatten(1)
    lowest = torch.full_like(values[:, :1], -1.0)
    ordered = torch.cat([lowest, values.sort(dim=1).values], dim=1)
    wanted = (brain.flatten(1).sum(dim=1, keepdim=True) * share).long()
    cut = ordered.gather(1, values.shape[1] - wanted)
    return (values > cut).view_as(brain)


def shrink(
    images: torch.Tensor,
    mask: torch.Tensor,
    fill: Callable[[torch.Tensor, int], torch.Tensor],
    threshold: float,
    stop: float,
    turns: int,
) -> Shrunk:
    """Hide, fill and unhide what was filled well, at most `turns` times; masks only shrink.

    A slice ends with the turn in which its mask (n, X, Y) lost less than a share of `stop` of its pixels, or was empty.
    Finished slices are computed on but kept: only a CPU looks whether all have finished.

        fill: network that receives the mask (n, X, Y) and the number of the turn and returns whole slices (n, C, X, Y).
        threshold: of the squared error of `images` (n, C, X, Y), mean over channels; above it a pixel stays hidden.
    """
    image, active = images, torch.ones(len(images), dtype=torch.bool, device=images.device)
    for turn in range(turns):
        filled = fill(mask, turn)
        kept = mask & (squared_error(images, filled) > threshold)
        before, after = mask.sum(dim=(1, 2)), kept.sum(dim=(1, 2))
        image = torch.where(active[:, None, None, None], filled, image)
        mask = torch.where(active[:, None, None], kept, mask)
        active = active & (before > 0) & (before - after >= stop * before)
        if active.device.type == "cpu" and not bool(active.any()):
            break
    return Shrunk(image, mask)


def squared_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Squared difference of slices (n, C, X, Y), mean over channels: (n, X, Y)."""
    return (a - b).square().mean(dim=1)
