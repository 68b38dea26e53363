"""Residual networks of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017), and an encoder.

Four halvings between an image of `side` pixels and a map of side / 16; `width` channels at full size, 8 x
width at the smallest. Images are (n, channels, side, side) in [-1, 1].
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

Norm = Callable[[int], nn.Module]
layer_norm: Norm = partial(nn.GroupNorm, 1)  # over channels and pixels of one image, affine per channel
UP, DOWN = (8, 8, 4, 2, 1), (1, 2, 4, 8, 8)  # times `width`


class Block(nn.Module):
    """Norm, ReLU, 3x3 convolution, twice, plus a 1x1 shortcut; "up" upsamples first, "down" pools last."""

    def __init__(self, inputs: int, outputs: int, way: Literal["up", "down"], norm: Norm) -> None:
        super().__init__()
        inner = outputs if way == "up" else inputs
        grow = nn.Upsample(scale_factor=2) if way == "up" else nn.Identity()
        shrink = nn.AvgPool2d(2) if way == "down" else nn.Identity()
        self.path = nn.Sequential(
            norm(inputs),
            nn.ReLU(),
            grow,
            nn.Conv2d(inputs, inner, 3, padding=1, bias=False),
            norm(inner),
            nn.ReLU(),
            nn.Conv2d(inner, outputs, 3, padding=1),
            shrink,
        )
        self.shortcut = nn.Sequential(grow, shrink, nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both: torch.Tensor = self.path(x) + self.shortcut(x)
        return both


class Generator(nn.Sequential):
    """Codes (n, code) -> images."""

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        widths, seed = [width * times for times in UP], side // 16
        super().__init__(
            nn.Linear(code, widths[0] * seed**2),
            nn.Unflatten(1, (widths[0], seed, seed)),
            *(Block(a, b, "up", nn.BatchNorm2d) for a, b in pairwise(widths)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )


class Critic(nn.Module):
    """Images -> one value each, (n,), higher = more real.

    Layer normalisation treats every image separately, as the gradient penalty requires.
    """

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        self.features = _trunk(channels, width, layer_norm)
        self.value = nn.Linear(_flat(side, width), 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.value(self.features(images))[:, 0]
        return value


class Encoder(nn.Sequential):
    """Images -> codes (n, code) in (-1, 1)."""

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        super().__init__(
            _trunk(channels, width, nn.BatchNorm2d), nn.Linear(_flat(side, width), code), nn.Tanh()
        )


def _trunk(channels: int, width: int, norm: Norm) -> nn.Sequential:
    """Images -> features (n, 8 width (side / 16)^2)."""
    widths = [width * times for times in DOWN]
    blocks = (Block(a, b, "down", norm) for a, b in pairwise(widths))
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), *blocks, nn.Flatten())


def _flat(side: int, width: int) -> int:
    return DOWN[-1] * width * (side // 16) ** 2
