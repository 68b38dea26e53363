"""Inverted residual block with squeeze and excitation (Tan and Le 2019), and its padding."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Epsilon of the batch normalisation in the published network.
EPSILON = 1e-3


@dataclass(frozen=True)
class Shape:
    """Of a block: channels in and out, kernel side, stride, growth of channels inside, side of its input in pixels."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    growth: int
    size: int


class SameConv(nn.Conv2d):
    """Convolution without bias whose output has ceil(size / stride) pixels a side, padded as in TensorFlow.

    Zeros are added after the image first. size: side of the input for which the padding is computed; it stays the same
    for other inputs, as in the port of the published weights.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, size: int, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.margins = same_margins(size, kernel, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.pad(x, 2 * self.margins))


def same_margins(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after `size` pixels that give ceil(size / stride) outputs; the odd one is after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class MBConv(nn.Module):
    """Expansion, depthwise convolution, weighting of channels, projection; a shortcut where the shape stays.

    The names of the layers are those of common weight files.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner, squeezed = shape.inputs * shape.growth, max(1, shape.inputs // 4)
        self.expands, self.shortcut = shape.growth > 1, shape.stride == 1 and shape.inputs == shape.outputs
        if self.expands:
            self._expand_conv = nn.Conv2d(shape.inputs, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, EPSILON)
        self._depthwise_conv = SameConv(inner, inner, shape.kernel, shape.stride, shape.size, groups=inner)
        self._bn1 = nn.BatchNorm2d(inner, EPSILON)
        self._se_reduce = nn.Conv2d(inner, squeezed, 1)
        self._se_expand = nn.Conv2d(squeezed, inner, 1)
        self._project_conv = nn.Conv2d(inner, shape.outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(shape.outputs, EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = functional.silu(self._bn0(self._expand_conv(x))) if self.expands else x
        inner = functional.silu(self._bn1(self._depthwise_conv(inner)))
        weight = self._se_expand(functional.silu(self._se_reduce(inner.mean(dim=(2, 3), keepdim=True))))
        found: torch.Tensor = self._bn2(self._project_conv(torch.sigmoid(weight) * inner))
        return found + x if self.shortcut else found
