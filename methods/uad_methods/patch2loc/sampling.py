"""Samples of a training step: patches at random positions, or whole slices with a strided grid of positions."""

from typing import NamedTuple

import torch

from uad_methods.patch2loc.patches import Positions, cut, draw_candidates, locations, padded


class Sample(NamedTuple):
    """Patches of one step and their locations.

    inputs: of the network, (n, C, ., .).
    height: (n,), percent of the volume.
    kept: positions of the encoder's output to use, as a mask (bool, n, x, y) or indices; None for all.
    target: true locations (percent) of these positions, (k, 2).
    """

    inputs: torch.Tensor
    height: torch.Tensor
    kept: torch.Tensor | Positions | None
    target: torch.Tensor


def sample_patches(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    candidates: int,
    rng: torch.Generator,
) -> Sample:
    """Patches at uniform random positions of `images` (n, C, X, Y) where `enough` (n, X, Y) is true.

    As published, `candidates` positions are drawn and those without enough brain dropped, so the number
    varies.
    """
    at = draw_candidates(enough, candidates, rng)
    target = locations(images)[at.x, at.y]
    return Sample(cut(padded(images, side), at, side), height[at.slice], None, target)


def sample_strided(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    jump: int,
    first: tuple[int, int],
) -> Sample:
    """Whole slices, cropped so that a strided network is centred on pixels `first`, `first` + `jump`, ..."""
    x, y = first
    kept = enough[:, x::jump, y::jump]
    target = locations(images)[x::jump, y::jump].expand(*kept.shape, 2)[kept]
    return Sample(padded(images, side)[:, :, x:, y:], height, kept, target)
