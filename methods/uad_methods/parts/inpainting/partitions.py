"""Partitions of a slice into groups of squares, and slices whose groups were hidden and filled in one after the other.

Source: Zavrtanik, Kristan and Skočaj 2021, Pattern Recognition 112, 107706.
"""

from collections.abc import Callable

import torch

Network = Callable[[torch.Tensor], torch.Tensor]


def hidden_groups(side: int, square: int, groups: int, rng: torch.Generator) -> torch.Tensor:
    """Bool (groups, 1, side, side): the pixels that each group hides, every pixel in exactly one group.

    The squares of `square` pixels are permuted at random and cut into runs of equal length, of which the last may be
    shorter. `square` divides `side`. On the device of `rng`, without a wait.
    """
    across = side // square
    order = torch.randperm(across**2, generator=rng, device=rng.device)
    group = order // -(-(across**2) // groups)
    numbers = torch.arange(groups, device=rng.device)[:, None, None, None]
    hidden = group.view(1, 1, across, across) == numbers
    return hidden.repeat_interleave(square, -2).repeat_interleave(square, -1)


def filled(network: Network, images: torch.Tensor, hidden: torch.Tensor, *, told: bool) -> torch.Tensor:
    """Images (n, C, X, Y), float32, each pixel predicted from input in which its group was 0.

    hidden: bool (groups, 1, X, Y), the same for all images.
    told: whether the network gets the mask of visible pixels (1, hidden 0) as a channel after the image.
    """
    output = torch.zeros_like(images)
    for group in hidden:  # a pass for each, as published: batch statistics are those of one group
        shown = (~group).float().expand(len(images), 1, -1, -1)
        visible = images * shown
        prediction = network(torch.cat([visible, shown], dim=1) if told else visible)
        output = torch.where(group, prediction.float(), output)
    return output
