"""An encoder that can be slid over a slice: valid convolutions, receptive field exactly one patch.

The same weights run in two ways. Strided (training): pools halve the grid, so a padded slice gives one latent
every `jump` pixels. Dense (scoring): pools keep the grid and what follows is dilated instead ("à trous"), so
one pass gives the latent of the patch at every pixel, the same numbers as patch by patch.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from uad_bench.errors import UsageError


class Layer(nn.Module):
    """One step of the encoder; `stride` is by how much it coarsens the grid of a strided pass."""

    stride = 1

    def forward(self, x: torch.Tensor, dilation: int, dense: bool) -> torch.Tensor:
        """`dilation`: what the layers before would have coarsened the grid by; 1 in a strided pass."""
        raise NotImplementedError


class Unit(Layer):
    """Valid convolution, batch normalisation (or a bias alone), ReLU."""

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
        """One convolution that does what convolution and normalisation with running statistics do."""
        if self.norm is None:
            assert self.conv.bias is not None
            return self.conv.weight, self.conv.bias
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert variance is not None
        scale = self.norm.weight * torch.rsqrt(variance + self.norm.eps)
        return self.conv.weight * scale[:, None, None, None], self.norm.bias - mean * scale


class Pool(Layer):
    """2×2 max pool: stride 2, or in a dense pass stride 1."""

    stride = 2

    def forward(self, x: torch.Tensor, dilation: int, dense: bool) -> torch.Tensor:
        if not dense:
            return functional.max_pool2d(x, 2)
        x = torch.maximum(x[:, :, dilation:], x[:, :, :-dilation])  # twice as quick as one that keeps indices
        return torch.maximum(x[..., dilation:], x[..., :-dilation])


class Plan(NamedTuple):
    """pools: how many; last: size of the last convolution, pixels of the grid it stands on."""

    pools: int
    last: int

    @property
    def jump(self) -> int:
        """Pixels of the slice between two places of a strided pass."""
        return 1 << self.pools


def plan(patch: int) -> Plan:
    """The layers with which the receptive field is exactly `patch` pixels.

    Two 3×3 convolutions see 5 pixels; each pool with the 3×3 convolution behind it makes that 10, 20, 40; the
    last convolution fills up the rest in steps of the grid it stands on. As many pools as fit are taken.
    Raises UsageError for a patch of fewer than 5 pixels.
    """
    for pools in range(3, -1, -1):
        rest = patch - 5 * 2**pools
        if rest >= 0 and rest % 2**pools == 0:
            return Plan(pools, rest // 2**pools + 1)
    raise UsageError(f"patch is {patch} pixels", where="network conv", hint="two 3×3 convolutions see 5")


class ConvEncoder(nn.Module):
    """Padded slices (n, C, X + patch - 1, Y + patch - 1) -> latents (n, 4 · width, x, y).

    Dense: x, y = X, Y. Strided: every `jump`-th of these, from the first; a single patch gives 1×1.
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        pools, last = plan(patch)
        widths = [width * (i + 1) for i in range(pools + 1)]
        # On the full grid a normalisation costs as much time as a convolution; these two learn as well without.
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
