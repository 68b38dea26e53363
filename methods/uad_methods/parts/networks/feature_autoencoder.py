"""Networks of FAE: the first half of a ResNet-18, and the autoencoder of its features."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.half_precision import PaddedConv2d
from uad_methods.parts.networks.resnet18 import ResNet18

TAPS = 256  # channels of the features of one modality: 64 + 64 + 128
WIDTHS = (100, 150, 200, 300)


class FeatureAutoencoder(nn.Module):
    """Slices (n, C, side, side) in [0, 1] -> features and their reconstruction, (n, 256 C, side / 4, side / 4)."""

    def __init__(self, channels: int, dropout: float, *, adapt_bn: bool) -> None:
        super().__init__()
        self.extractor = Extractor(adapt_bn=adapt_bn)
        widths = (TAPS * channels, *WIDTHS)
        down = [_downsample(a, b, dropout) for a, b in pairwise(widths)]
        ups = (*reversed(WIDTHS), TAPS * channels)
        up = [_upsample(a, b, dropout) for a, b in pairwise(ups)]
        code, last = WIDTHS[-1], TAPS * channels
        self.autoencoder = nn.Sequential(
            *down, PaddedConv2d(code, code, 5, bias=False), *up, nn.Conv2d(last, last, 1, bias=False)
        )

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            features = self.extractor(images)
        return features, self.autoencoder(features)


class Extractor(nn.Module):
    """First half of a ResNet-18, applied to every modality separately as a grey image."""

    def __init__(self, *, adapt_bn: bool) -> None:
        super().__init__()
        self.resnet = ResNet18(stages=2)
        self.adapt_bn = adapt_bn

    def train(self, mode: bool = True) -> "Extractor":
        """In train mode batch statistics are updated, unless `adapt_bn` is false."""
        return super().train(mode and self.adapt_bn)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n, channels, x, y = images.shape
        grey = (2 * images - 1).reshape(n * channels, 1, x, y).expand(-1, 3, -1, -1)
        size = (x // 4, y // 4)
        taps = [
            functional.interpolate(tap, size, mode="bilinear", align_corners=True)
            for tap in self.resnet.taps(grey)
        ]
        return torch.cat(taps, dim=1).reshape(n, channels * TAPS, *size)


def _downsample(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(), nn.Dropout2d(dropout))


def _upsample(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 6, stride=2, padding=2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(), nn.Dropout2d(dropout))
