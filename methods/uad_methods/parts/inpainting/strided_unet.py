"""U-Net with strided convolutions and batch normalisation, of an unofficial implementation of RIAD."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class StridedUNet(nn.Module):
    """Slices (n, inputs, X, Y) -> (n, outputs, X, Y) in (-1, 1); sides are multiples of 2 ** (levels - 1).

    Each level is two convolutions with batch normalisation and ReLU; the first has 4x4 weights and stride 2, except at
    the top. Transposed 4x4 convolutions of stride 2 lead back up, each followed by the skip connection and two more
    convolutions. With widths 64, 128, 256, 512, 512: 28,803,393 weights for one channel, 28,805,699 for three.

    >>> sum(weight.numel() for weight in StridedUNet(1, 1, (64, 128, 256, 512, 512)).parameters())
    28803393
    """

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.down = nn.ModuleList([_block(inputs, widths[0], 3), *(_block(a, b, 4) for a, b in steps)])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 4, stride=2, padding=1) for a, b in steps[::-1])
        self.up = nn.ModuleList(_block(2 * a, a, 3) for a, _ in steps[::-1])
        self.out = nn.Conv2d(widths[0], outputs, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, inputs, X, Y) -> (n, outputs, X, Y)."""
        features, skips = images, []
        for block in self.down:
            features = block(features)
            skips.append(features)
        skips.pop()
        for grow, block in zip(self.grow, self.up, strict=True):
            features = block(torch.cat([grow(features), skips.pop()], dim=1))
        return torch.tanh(self.out(features))


def _block(inputs: int, outputs: int, first: int) -> nn.Sequential:
    """Two convolutions; the first has a kernel of `first` pixels, and stride 2 where that is 4."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, first, stride=2 if first == 4 else 1, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
