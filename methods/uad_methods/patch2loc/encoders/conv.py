"""Encoder that can be applied to whole slices: valid convolutions with a receptive field of exactly one patch.

The same weights run in two modes. Strided (training): poolings halve the grid, so a padded slice gives one
latent every `jump` pixels. Dense (scoring): poolings keep the grid and later layers are dilated ("à trous"),
so one pass gives the latent of the patch at every pixel, equal to those computed patch by patch.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from uad_bench.errors import UsageError


class Layer(nn.Module):
    """Layer of the encoder; `stride` is the factor by which it coarsens the grid in the strided mode."""

    stride = 1

    def forward(self, x: torch.Tensor, dilation: int, dense: bool) -> torch.Tensor:
        """Apply the layer; `dilation` is the product of the previous layers' strides, 1 in the strided mode."""
        raise NotImplementedError


class Unit(Layer):
    """Valid convolution, batch normalisation or only a bias, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int, *, normed: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, bias=not normed)
        self.norm = nn.BatchNorm2d(outputs) if normed else None
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor, dilation: int, dense: bool) -> torch.Tensor:
        if dense:
            weight, bias = self.folded()
            return functional.relu(functional.conv2d(x, weight, bias, dilation=dilation), inplace=True)
        x = self.conv(x)
        return functional.relu(x if self.norm is None else self.norm(x), inplace=True)

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias of one convolution equal to convolution and batch normalisation with running statistics."""
        if self.norm is None:
            assert self.conv.bias is not None
            return self.conv.weight, self.conv.bias
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert variance is not None
        scale = self.norm.weight * torch.rsqrt(variance + self.norm.eps)
        return self.conv.weight * scale[:, None, None, None], self.norm.bias - mean * scale


class Pool(Layer):
    """2x2 max pooling with stride 2, or 1 in the dense mode."""

    stride = 2

    def forward(self, x: torch.Tensor, dilation: int, dense: bool) -> torch.Tensor:
        if not dense:
            return functional.max_pool2d(x, 2)
        x = torch.maximum(
            x[:, :, dilation:], x[:, :, :-dilation]
        )  # twice as fast as max_pool2d, which keeps indices
        return torch.maximum(x[..., dilation:], x[..., :-dilation])


class Plan(NamedTuple):
    """Layers of the encoder.

    pools: number of poolings.
    last: size of the last convolution, in pixels of its grid.
    """

    pools: int
    last: int

    @property
    def jump(self) -> int:
        """Distance between two latents of a strided pass, in pixels of the slice."""
        return 1 << self.pools


def plan(patch: int) -> Plan:
    """Layers with which the receptive field is exactly `patch` pixels. Raises UsageError for fewer than 5 pixels.

    Two 3x3 convolutions have a receptive field of 5 pixels; each pooling with the following 3x3 convolution
    doubles it: 10, 20, 40. The last convolution adds the remaining pixels in steps of its grid. As many
    poolings as possible are used.
    """
    for pools in range(3, -1, -1):
        rest = patch - 5 * 2**pools
        if rest >= 0 and rest % 2**pools == 0:
            return Plan(pools, rest // 2**pools + 1)
    raise UsageError(f"patch is {patch} pixels", where="network conv", hint="give 5 or more")


class ConvEncoder(nn.Module):
    """Padded slices (n, C, X + patch - 1, Y + patch - 1) -> latents (n, 4 width, x, y).

    Dense: x, y = X, Y. Strided: every `jump`-th of these, from the first; a single patch gives 1x1.
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        pools, last = plan(patch)
        widths = [width * (i + 1) for i in range(pools + 1)]
        # On the full grid a normalisation takes as long as a convolution; these two layers train as well without.
        layers: list[Layer] = [
            Unit(channels, width // 2, 3, normed=False),
            Unit(width // 2, width, 3, normed=False),
        ]
        for inputs, outputs in pairwise(widths):
            layers += [Pool(), Unit(inputs, outputs, 3)]
        self.layers = nn.ModuleList([*layers, Unit(widths[-1], 4 * width, last)])
        self.latent = 4 * width

    def forward(self, slices: torch.Tensor, dense: bool = False) -> torch.Tensor:
        x, dilation = slices.contiguous(memory_format=torch.channels_last), 1  # a quarter faster on a CPU
        for layer in self.layers:
            assert isinstance(layer, Layer)
            x = layer(x, dilation, dense)
            dilation *= layer.stride if dense else 1
        return x
