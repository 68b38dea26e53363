"""What one training step is shown: patches at random places, or whole slices at every `jump`-th place."""

from typing import NamedTuple

import torch

from uad_methods.patch2loc.patches import Positions, cut, draw_candidates, locations, padded


class Sample(NamedTuple):
    """One step's patches and where they are.

    inputs: (n, C, ., .) for the network; height: (n,), percent of the volume; kept: bool (n, x, y), which of
    the encoder's places count, or their indices; None for all; target: (k, 2), the true places (percent) of those kept.
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
    """Patches at uniform random places of `images` (n, C, X, Y), where `enough` (n, X, Y) allows.

    As published: `candidates` are drawn and those without enough brain dropped, so the count varies.
    """
    at = draw_candidates(enough, candidates, rng)
    kept = torch.ones(len(at.slice), 1, 1, dtype=torch.bool, device=images.device)
    target = locations(images)[at.x, at.y]
    return Sample(cut(padded(images, side), at, side), height[at.slice], kept, target)


def sample_strided(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    jump: int,
    first: tuple[int, int],
) -> Sample:
    """Whole slices, cropped so that a strided network stands on pixels `first`, `first` + `jump`, ..."""
    x, y = first
    kept = enough[:, x::jump, y::jump]
    target = locations(images)[x::jump, y::jump].expand(*kept.shape, 2)[kept]
    return Sample(padded(images, side)[:, :, x:, y:], height, kept, target)
