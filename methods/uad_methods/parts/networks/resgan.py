"""Residual networks of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017), and an encoder.

Four halvings between an image of `side` pixels and a map of side / 16; `width` channels at full size, 8 x
width at the smallest. Images are (n, channels, side, side) in [-1, 1].
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

Norm = Callable[[int], nn.Module]
layer_norm: Norm = partial(nn.GroupNorm, 1)  # over channels and pixels of one image, affine per channel
#: Defaults of the paper's framework: running statistics keep 0.99 of their value, the variance gets 1e-3.
batch_norm: Norm = partial(nn.BatchNorm2d, momentum=0.01, eps=1e-3)
#: Gain of the weights of 3x3 convolutions within blocks and of the generator's last, as published.
BEFORE_RELU = math.sqrt(2)
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
            glorot(nn.Conv2d(inputs, inner, 3, padding=1, bias=False), BEFORE_RELU),
            norm(inner),
            nn.ReLU(),
            glorot(nn.Conv2d(inner, outputs, 3, padding=1), BEFORE_RELU),
            shrink,
        )
        self.shortcut = nn.Sequential(grow, shrink, glorot(nn.Conv2d(inputs, outputs, 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both: torch.Tensor = self.path(x) + self.shortcut(x)
        return both


class Generator(nn.Sequential):
    """Codes (n, code) -> images."""

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        widths, seed = [width * times for times in UP], side // 16
        super().__init__(
            glorot(nn.Linear(code, widths[0] * seed**2)),
            nn.Unflatten(1, (widths[0], seed, seed)),
            *(Block(a, b, "up", batch_norm) for a, b in pairwise(widths)),
            batch_norm(width),
            nn.ReLU(),
            glorot(nn.Conv2d(width, channels, 3, padding=1), BEFORE_RELU),
            nn.Tanh(),
        )


class Critic(nn.Module):
    """Images -> one value each, (n,), higher = more real.

    Layer normalisation treats every image separately, as the gradient penalty requires.
    """

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        self.features = _trunk(channels, width, layer_norm)
        self.value = glorot(nn.Linear(_flat(side, width), 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.value(self.features(images))[:, 0]
        return value


class Encoder(nn.Sequential):
    """Images -> codes (n, code) in (-1, 1)."""

    def __init__(self, channels: int, side: int, width: int, code: int) -> None:
        super().__init__(
            _trunk(channels, width, batch_norm), glorot(nn.Linear(_flat(side, width), code)), nn.Tanh()
        )


def _trunk(channels: int, width: int, norm: Norm) -> nn.Sequential:
    """Images -> features (n, 8 width (side / 16)^2)."""
    widths = [width * times for times in DOWN]
    blocks = (Block(a, b, "down", norm) for a, b in pairwise(widths))
    return nn.Sequential(glorot(nn.Conv2d(channels, width, 3, padding=1)), *blocks, nn.Flatten())


def glorot(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """The layer with uniform weights of deviation gain * sqrt(2 / (fan in + fan out)) and biases 0, as published."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _flat(side: int, width: int) -> int:
    return DOWN[-1] * width * (side // 16) ** 2
