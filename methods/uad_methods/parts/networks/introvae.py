"""Encoder and decoder of the reversed autoencoder (Bercea et al. 2023, MIDL), those of Soft-IntroVAE.

Five halvings between an image of `side` pixels and a map of side / 32; `width` channels at the top, 8 x width
at the bottom. Images are (n, channels, side, side) in [0, 1].
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from uad_methods.parts.networks.half_precision import LastInFloat32, PaddedConv2d

WIDTHS = (1, 2, 4, 8, 8)  # times `width`, level by level
SLOPE = 0.2
DEEPEST = 2 ** len(WIDTHS)  # pixels of the slice per pixel of the smallest map


class Code(NamedTuple):
    """Output of the encoder.

    mean, log_var: of the Gaussian code, (n, code) each.
    features: after each halving, for the embedding loss.
    """

    mean: torch.Tensor
    log_var: torch.Tensor
    features: list[torch.Tensor]


class Block(nn.Module):
    """Residual block of two 3x3 convolutions with a shortcut, which is a 1x1 convolution where widths differ."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            PaddedConv2d(inputs, outputs, 3, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(SLOPE),
            PaddedConv2d(outputs, outputs, 3, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.act = nn.LeakyReLU(SLOPE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inputs, X, Y) -> (n, outputs, X, Y)."""
        both: torch.Tensor = self.act(self.path(x) + self.shortcut(x))
        return both


class Encoder(nn.Module):
    """Images -> Gaussian codes and intermediate features."""

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        super().__init__()
        widths = [width * times for times in WIDTHS]
        first = nn.Conv2d(channels, width, 5, padding=2, bias=False)
        blocks = [Block(a, b) for a, b in pairwise(widths)]
        stem = nn.Sequential(first, nn.BatchNorm2d(width), nn.LeakyReLU(SLOPE), nn.AvgPool2d(2))
        self.levels = nn.ModuleList([stem, *(nn.Sequential(block, nn.AvgPool2d(2)) for block in blocks)])
        self.last = Block(widths[-1], widths[-1])
        self.to_code = nn.Linear(widths[-1] * (side // DEEPEST) ** 2, 2 * code)

    def forward(self, images: torch.Tensor) -> Code:
        """Encode images (n, channels, side, side)."""
        x, features = images, []
        for level in self.levels:
            x = level(x)
            features.append(x)
        mean, log_var = self.to_code(self.last(x).flatten(1)).chunk(2, dim=1)
        return Code(mean, log_var, features)


class Decoder(LastInFloat32):
    """Codes (n, code) -> images."""

    wide = 2  # the last convolution and its sigmoid

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        widths, seed = [width * times for times in WIDTHS[::-1]], side // DEEPEST
        shapes = [(widths[0], widths[0]), *pairwise(widths)]
        grown = [layer for a, b in shapes for layer in (Block(a, b), nn.Upsample(scale_factor=2))]
        super().__init__(
            nn.Linear(code, widths[0] * seed**2),
            nn.ReLU(),
            nn.Unflatten(1, (widths[0], seed, seed)),
            *grown,
            Block(width, width),
            nn.Conv2d(width, channels, 5, padding=2),
            nn.Sigmoid(),
        )
