"""Masked pretraining of a ResNet: rebuild most of a slice from a few cells (Tian et al. 2023, SparK, 2301.03580).

Unlike `parts.hidden`, where the network sees grey squares, here hidden cells are nowhere in it: its convolutions,
pooling and batch statistics work on kept cells alone, and a decoder of several resolutions fills the rest.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.masked_layers import mask_features, masked_batch_norm, upsample_mask
from uad_methods.parts.networks.resnet50 import GROWTH, STRIDES, ResNet50

CELL = STRIDES[-1]  # pixels a side: one position of the deepest map
KEPT_SHARE = 0.35  # of the cells: 3 of 9 at 96 x 96


class HierarchicalDecoder(nn.Module):
    """Maps of a `ResNet50` of this `width`, a multiple of 4 -> images; 10,304,913 weights in `grow` and `out`.

    At each resolution hidden positions get a learnt vector, a convolution brings the map to the decoder's
    channels, and it is added to what comes from the coarser one.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        widths = [8 * width // 2**i for i in range(6)]
        maps = [GROWTH * width * 2**i for i in (3, 2, 1, 0)]  # the deepest first
        self.fill = nn.ModuleList(
            Fill(a, b, 3 if i else 1) for i, (a, b) in enumerate(zip(maps, widths, strict=False))
        )
        self.grow = nn.ModuleList(_upsample(a, b) for a, b in pairwise(widths))
        self.out = nn.Conv2d(widths[-1], channels, 1)

    def forward(self, maps: list[torch.Tensor], keep: torch.Tensor) -> torch.Tensor:
        """The maps of `ResNet50.stages` with `keep` -> images (n, C, X, Y)."""
        features_ = torch.zeros((), device=keep.device)
        for fill, grow, features in zip(self.fill, self.grow, reversed(maps), strict=False):
            features_ = grow(features_ + fill(features, keep))
        guess: torch.Tensor = self.out(self.grow[-1](features_))
        return guess


class Fill(nn.Module):
    """A map of kept cells -> one without holes: batch normalisation, a learnt vector elsewhere, a convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.token = nn.Parameter(0.02 * torch.randn(1, inputs, 1, 1))
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, features: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        hidden = 1 - upsample_mask(keep, features)
        filled: torch.Tensor = self.conv(masked_batch_norm(self.norm, features, keep) + self.token * hidden)
        return filled


def pad_to_cells(images: torch.Tensor) -> torch.Tensor:
    """Images with zeros around them: sides are multiples of 32, and there are four cells or more."""
    extra = [max(2, -(-side // CELL)) * CELL - side for side in images.shape[-2:]]
    (left, right), (top, bottom) = ((e // 2, e - e // 2) for e in extra)
    return functional.pad(images, (top, bottom, left, right))


def random_cells(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Which cells are kept, float32 (n, 1, X / 32, Y / 32) of 0 and 1: as many of every image, drawn one by one."""
    x, y = (side // CELL for side in images.shape[-2:])
    lot = torch.rand((len(images), x * y), generator=rng, device=images.device)
    rank = lot.argsort(dim=1, stable=True).argsort(dim=1, stable=True)
    return (rank < round(KEPT_SHARE * x * y)).float().view(-1, 1, x, y)


def reconstruct(
    encoder: ResNet50, rebuilder: HierarchicalDecoder, images: torch.Tensor, keep: torch.Tensor
) -> torch.Tensor:
    """What is rebuilt of images (n, C, X, Y) in whole cells from those that are kept."""
    guess: torch.Tensor = rebuilder(encoder.stages(mask_features(images, keep), keep), keep)
    return guess


def reconstruction_loss(guess: torch.Tensor, images: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Mean of (guess - image)^2 over the pixels of hidden cells: a scalar, in float32."""
    hidden = 1 - upsample_mask(keep, images)
    error = (guess.float() - images.float()).square() * hidden
    return error.sum() / (hidden.sum() * images.shape[1])


def _upsample(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the sides by a transposed convolution, then two convolutions, each with batch normalisation."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, inputs, 4, stride=2, padding=1),
        nn.Conv2d(inputs, inputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU6(),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )
