"""Encoders of slices without training: raw patches, a bank of filters, and frozen networks, with one interface."""

from math import ceil

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.features.pyramid import MEAN, SD, Pyramid, on_finest
from uad_methods.parts.networks.vit import PATCH, WIDTH, VisionTransformer

#: Standard deviations of the filters in pixels.
SIGMAS = (1.0, 2.0, 4.0)


class Encoder(nn.Module):
    """Slices (n, C, X, Y) -> features (n, C channels, X / stride, Y / stride).

    channels: numbers of a modality; stride: pixels between two positions.
    """

    channels: int
    stride: int = 1


class RawPatches(Encoder):
    """The intensities of the `patch` x `patch` pixels around each pixel, without their mean if `centre`."""

    def __init__(self, patch: int, centre: bool) -> None:
        super().__init__()
        self.channels, self.patch, self.centre = patch * patch, patch, centre

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n, c, x, y = images.shape
        found = functional.unfold(images, self.patch, padding=self.patch // 2).view(n, c, self.channels, x, y)
        if self.centre:
            found = found - found.mean(dim=2, keepdim=True)
        return found.flatten(1, 2)


class FilterBank(Encoder):
    """A Gaussian, its first and its second derivatives along x and y at three widths: 18 numbers a pixel.

    The derivatives are multiplied by the width and its square, so that all widths have one scale.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[torch.Tensor] = []
        for i, sigma in enumerate(SIGMAS):
            for order, line in enumerate(_lines(sigma)):
                self.register_buffer(f"line{i}_{order}", line, persistent=False)
        self.channels = 6 * len(SIGMAS)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n, c, x, y = images.shape
        grey = images.flatten(0, 1)[:, None]
        found = [part for i in range(len(SIGMAS)) for part in self._at(grey, i)]
        return torch.cat(found, dim=1).view(n, c * self.channels, x, y)

    def _at(self, grey: torch.Tensor, width: int) -> list[torch.Tensor]:
        """The six filtered images of a width: orders (0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)."""
        lines = [self.get_buffer(f"line{width}_{order}") for order in range(3)]
        margin = len(lines[0]) // 2
        padded = functional.pad(grey, (margin,) * 4, mode="replicate")
        along_x = [functional.conv2d(padded, line.view(1, 1, -1, 1)) for line in lines]
        pairs = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
        return [functional.conv2d(along_x[a], lines[b].view(1, 1, 1, -1)) for a, b in pairs]


def _lines(sigma: float) -> list[torch.Tensor]:
    """A Gaussian that sums to 1 and its first and second derivative, times sigma and its square, cut at 3 sigma.

    The second derivative sums to 0 on the pixels, as it does on the line.
    """
    at = torch.arange(-ceil(3 * sigma), ceil(3 * sigma) + 1, dtype=torch.float64)
    bell = torch.exp(-0.5 * (at / sigma) ** 2)
    bell = bell / bell.sum()
    second = (at**2 / sigma**2 - 1) * bell
    lines = (bell, at / sigma * bell, second - bell * second.sum())
    return [line.float() for line in lines]


class ResNetTaps(Encoder):
    """Maps of stages of a ResNet-18 that is not trained further, resized to the finest one."""

    def __init__(self, stages: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.pyramid = Pyramid("resnet18", stages, width)
        self.channels, self.stride = sum(self.pyramid.channels), self.pyramid.strides[0]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = on_finest(self.pyramid(images))
        return found.reshape(len(images), -1, *found.shape[-2:])


class DinoTokens(Encoder):
    """Tokens of DINOv2's ViT-S/14, each modality a grey image of its own; always in eval mode."""

    channels, stride = WIDTH, PATCH

    def __init__(self) -> None:
        super().__init__()
        self.vit = VisionTransformer()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(SD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grey = images.flatten(0, 1)[:, None].expand(-1, 3, -1, -1)
        found: torch.Tensor = self.vit((grey - self.get_buffer("mean")) / self.get_buffer("sd"))
        return found.reshape(len(images), -1, *found.shape[-2:])
