"""U-Net of Kascenas et al. 2022: weight-standardised convolutions, Swish, then group normalisation.

Slices are (n, C, X, Y). Three poolings; 7.70 M weights with 64 channels at the top.
"""

import torch
from torch import nn
from torch.nn import functional

LEVELS = 4
PER_GROUP = (8, 8, 16, 16)  # channels per group: 8, 16, 16, 32 groups of 64, 128, 256, 512 channels
MULTIPLE = 1 << (LEVELS - 1)  # sides must be multiples of this to be halved three times
SMALLEST = 2 * MULTIPLE  # reflection padding needs two pixels at the bottom level
EPSILON = 1e-5


class StandardisedConv(nn.Conv2d):
    """3x3 convolution with reflection padding whose filters are standardised to mean 0 and deviation 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, C, X, Y) -> (n, outputs, X, Y)."""
        spread, mean = torch.std_mean(self.weight, dim=(1, 2, 3), keepdim=True)
        return functional.conv2d(_reflect_pad(images), (self.weight - mean) / (spread + EPSILON), self.bias)


class Swish(nn.Module):
    """x * sigmoid(x), exact to 2e-16: inputs below -40 are clamped.

    Standardised filters give large values, and exp(-90) is a denormal number, which made a training step on a
    CPU five times slower.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return functional.silu(values.clamp(min=-40.0))


class UNet(nn.Module):
    """Slices of any size -> slices of the same size, without final activation and without a residual connection.

    Sides are padded with zeros at the far ends to multiples of 8 (at least 16), and outputs cropped.

        width: channels at the top, doubled at each of the three levels below.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(LEVELS)]
        self.down = nn.ModuleList(_block(a, i, width) for i, a in enumerate([channels, *widths[:-1]]))
        upward = range(LEVELS - 2, -1, -1)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(widths[i + 1], widths[i], 2, stride=2) for i in upward)
        self.up = nn.ModuleList(_block(2 * widths[i], i, width) for i in upward)
        self.out = nn.Conv2d(width, channels, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, C, X, Y) -> (n, C, X, Y)."""
        x, y = images.shape[-2:]
        features = functional.pad(images, (0, _padded_side(y) - y, 0, _padded_side(x) - x))
        skips = []
        for i, block in enumerate(self.down):
            features = block(functional.avg_pool2d(features, 2) if i else features)
            skips.append(features)
        skips.pop()
        for grow, block in zip(self.grow, self.up, strict=True):
            features = block(torch.cat([grow(features), skips.pop()], dim=1))
        output: torch.Tensor = self.out(features)
        return output[..., :x, :y]


def _block(inputs: int, level: int, width: int) -> nn.Sequential:
    """Convolution, Swish and group normalisation, twice."""
    outputs = width * 2**level
    groups = max(1, outputs // PER_GROUP[level])
    return nn.Sequential(
        StandardisedConv(inputs, outputs),
        Swish(),
        nn.GroupNorm(groups, outputs),
        StandardisedConv(outputs, outputs),
        Swish(),
        nn.GroupNorm(groups, outputs),
    )


def _reflect_pad(images: torch.Tensor) -> torch.Tensor:
    """One pixel of reflection padding on every side; torch's own has no deterministic gradient on a GPU."""
    tall = torch.cat([images[..., 1:2, :], images, images[..., -2:-1, :]], dim=-2)
    return torch.cat([tall[..., 1:2], tall, tall[..., -2:-1]], dim=-1)


def _padded_side(side: int) -> int:
    return max(SMALLEST, -(-side // MULTIPLE) * MULTIPLE)
