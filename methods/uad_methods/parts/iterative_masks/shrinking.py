"""Masks that shrink onto what a network cannot fill, without a wait for the device in any turn."""

from collections.abc import Callable
from typing import NamedTuple

import torch

At = torch.Tensor | slice  # positions of slices


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
    fill: Callable[[torch.Tensor, int, At], torch.Tensor],
    threshold: float,
    stop: float,
    turns: int,
) -> Shrunk:
    """Hide, fill and unhide what was filled well, at most `turns` times; masks only shrink.

    A slice ends with the turn in which its mask (n, X, Y) lost less than a share of `stop` of its pixels, or was empty.
    A CPU fills unfinished slices only. On a GPU all are filled, and finished ones kept: the CPU would have to wait for
    the list of the others.

        fill: network that receives masks (m, X, Y), the number of the turn and the positions of the m slices, and
            returns whole slices (m, C, X, Y).
        threshold: of the squared error of `images` (n, C, X, Y), mean over channels; above it a pixel stays hidden.
    """
    on_cpu = images.device.type == "cpu"
    image, mask = images.clone(), mask.clone()
    active = torch.ones(len(images), dtype=torch.bool, device=images.device)
    for turn in range(turns):
        at: At = active.nonzero()[:, 0] if on_cpu else slice(None)
        hidden, going = mask[at], active[at]
        filled = fill(hidden, turn, at)
        kept = hidden & (squared_error(images[at], filled) > threshold)
        before, after = hidden.sum(dim=(1, 2)), kept.sum(dim=(1, 2))
        image[at] = torch.where(going[:, None, None, None], filled, image[at])
        mask[at] = torch.where(going[:, None, None], kept, hidden)
        active[at] = going & (before > 0) & (before - after >= stop * before)
        if on_cpu and not bool(active.any()):
            break
    return Shrunk(image, mask)


def squared_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Squared difference of slices (n, C, X, Y), mean over channels: (n, X, Y)."""
    return (a - b).square().mean(dim=1)
