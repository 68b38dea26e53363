"""Networks of AOT-GAN (Zeng et al. 2023): an inpainting generator of parallel dilated convolutions, and its critic.

Images are (n, C, side, side), sides multiples of 4. Reflection padding and upsampling are implemented here
because torch's have no deterministic gradient on a GPU.
"""

from functools import lru_cache
from itertools import pairwise

import torch
from torch import nn

from uad_methods.parts.networks.half_precision import spectral_norm

DILATIONS = (1, 2, 4, 8)
BLOCKS = 8
INIT_STD = 0.02  # standard deviation of the initial weights
SMALLEST = 64  # side in pixels: a quarter of it must exceed the largest dilation
Size = tuple[int, int]


class Generator(nn.Sequential):
    """Masked images (n, C, ...) concatenated with the mask (n, 1, ...) -> images in (-1, 1); 15,193,409 weights."""

    def __init__(self, channels: int, width: int = 64) -> None:
        widths = (width, 2 * width, 4 * width)
        down = [layer for a, b in pairwise(widths) for layer in (nn.Conv2d(a, b, 4, 2, padding=1), nn.ReLU())]
        up = [
            layer
            for a, b in pairwise(widths[::-1])
            for layer in (Upsample2x(), nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
        ]
        super().__init__(
            ReflectionPad(3),
            nn.Conv2d(channels + 1, width, 7),
            nn.ReLU(),
            *down,
            *(Block(widths[-1]) for _ in range(BLOCKS)),
            *up,
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )
        self.apply(_init_conv)


class Critic(nn.Sequential):
    """Images -> realness of each patch, (n, 1, side / 8 - 2, side / 8 - 2); 2,761,729 weights."""

    def __init__(self, channels: int, width: int = 64) -> None:
        widths = (channels, width, 2 * width, 4 * width, 8 * width)
        convs = [
            nn.Conv2d(a, b, 4, 2 if b < 8 * width else 1, padding=1, bias=False) for a, b in pairwise(widths)
        ]
        last = nn.Conv2d(8 * width, 1, 4, padding=1)
        for conv in (*convs, last):
            _init_conv(conv)  # before the spectral norm, which initialises its singular vectors from them
        bounded = [layer for conv in convs for layer in (spectral_norm(conv), nn.LeakyReLU(0.2))]
        super().__init__(*bounded, last)


class Block(nn.Module):
    """Parallel convolutions with four dilations, merged; a gate weighs the result against the input at each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                ReflectionPad(dilation),
                nn.Conv2d(width, width // len(DILATIONS), 3, dilation=dilation),
                nn.ReLU(),
            )
            for dilation in DILATIONS
        )
        self.merge = nn.Sequential(ReflectionPad(1), nn.Conv2d(width, width, 3))
        self.gate = nn.Sequential(ReflectionPad(1), nn.Conv2d(width, width, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width, X, Y), of the same shape."""
        merged = self.merge(torch.cat([branch(x) for branch in self.branches], dim=1))
        weight = gate_values(self.gate(x))
        mixed: torch.Tensor = x * (1 - weight) + merged * weight
        return mixed


def gate_values(a: torch.Tensor) -> torch.Tensor:
    """sigmoid(5 (2 (a - mean) / sd - 1)) per image and channel; finite where a channel is constant."""
    spread, mean = torch.std_mean(a.float(), dim=(2, 3), keepdim=True)
    return torch.sigmoid(5 * (2 * (a.float() - mean) / (spread + 1e-9) - 1))


class ReflectionPad(nn.Module):
    """Pads `reach` pixels on every side by reflection; sides must be larger than that."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., X, Y) -> (..., X + 2 reach, Y + 2 reach)."""
        for axis in (-2, -1):
            size, reach = x.shape[axis], self.reach
            before = x.narrow(axis, 1, reach).flip(axis)
            x = torch.cat([before, x, x.narrow(axis, size - 1 - reach, reach).flip(axis)], dim=axis)
        return x


class Upsample2x(nn.Module):
    """Bilinear upsampling by 2 with aligned corners."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., X, Y) -> (..., 2 X, 2 Y)."""
        return resize_bilinear(x, (2 * x.shape[-2], 2 * x.shape[-1]))


def resize_bilinear(images: torch.Tensor, size: Size) -> torch.Tensor:
    """(..., X, Y) -> (..., *size), bilinear with aligned corners: two matrix products in the images' dtype."""
    lines = zip(images.shape[-2:], size, strict=True)
    x, y = (_interpolation_matrix(old, new, images.device).to(images.dtype) for old, new in lines)
    return x @ images @ y.T


@lru_cache(maxsize=16)
def _interpolation_matrix(old: int, new: int, device: torch.device) -> torch.Tensor:
    """Weights of the `old` pixels of a line in each of the `new` pixels: (new, old)."""
    place = torch.linspace(0, old - 1, new, dtype=torch.float64)[:, None]
    return (1 - (place - torch.arange(old)).abs()).clamp(min=0).float().to(device)


def _init_conv(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=INIT_STD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
