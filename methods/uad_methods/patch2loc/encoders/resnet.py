"""Encoder of the published network: a ResNet-18 whose first convolution is 3x3, stride 2, padding 3.

He et al. 2016, table 1, with basic blocks. A patch of 24 pixels gives maps of 14 after the first convolution,
7 after the pooling, then 7, 4, 2, 1: one latent vector per patch. Because of the padding every feature
depends on the border of the patch, so the network cannot be applied to whole slices: it is evaluated patch by
patch.
"""

import torch
from torch import nn

LATENT = 512
WIDTHS = (64, 128, 256, 512)


class Conv3(nn.Conv2d):
    """A 3x3 convolution with padding 1, without bias.

    On maps of one or two pixels a side most weights of a padded convolution meet only padding. Such maps are
    multiplied with a matrix of the weights that meet pixels: the same sums, and gradients of 0 for the other
    weights (oneDNN's bf16 kernels with stride 2 leave those uninitialised). `benchmarks.exact --training` compares
    the times of a training step.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        side = input.shape[-1]
        if input.shape[-2] != side or side > 2:
            return super().forward(input)
        matrix, after = self._matrix(side), -(-side // self.stride[0])
        return nn.functional.linear(input.flatten(1), matrix).view(len(input), -1, after, after)

    def _matrix(self, side: int) -> torch.Tensor:
        """Weights of every pair of an output pixel (x, y) and an input pixel, (outputs after^2, inputs side^2)."""
        at = range(0, side, self.stride[0])
        shifted = [self.weight[..., 1 - x : 1 - x + side, 1 - y : 1 - y + side] for x in at for y in at]
        return torch.stack(shifted, 1).flatten(0, 1).flatten(1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions plus a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            Conv3(inputs, outputs, stride),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            Conv3(outputs, outputs, 1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(project, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.path(x) + self.shortcut(x))


def resnet_encoder(channels: int) -> nn.Sequential:
    """Patches (k, channels, side, side) -> latents (k, 512, 1, 1); 11,167,104 + 576 channels weights."""
    stem = [
        nn.Conv2d(channels, WIDTHS[0], 3, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(WIDTHS[0]),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    blocks = []
    for inputs, outputs in zip((WIDTHS[0], *WIDTHS[:-1]), WIDTHS, strict=True):
        stride = 1 if outputs == WIDTHS[0] else 2
        blocks += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
    encoder = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1))
    for module in encoder.modules():
        # The published code replaces the first convolution of an initialised ResNet: it keeps PyTorch's own weights.
        if isinstance(module, nn.Conv2d) and module is not stem[0]:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return encoder
