"""LPIPS (Zhang et al. 2018), version 0.1 on SqueezeNet 1.1, as a map; the user provides the weight files.

Layers are named as in the usual files, `squeezenet1_1-b8a52dc0.pth` and `weights/v0.1/squeeze.pth` of the
package lpips.
"""

import torch
from torch import nn
from torch.nn import functional

FIRES = {  # layer index: channels of input, squeeze and each expand convolution
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
POOLS = (2, 5, 8)
TAPS = {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512}  # layer index: channels
SHIFT, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of ImageNet, for images in [-1, 1]
#: Of weights/v0.1/squeeze.pth in lpips 0.1.4, 10,811 bytes.
HEADS_SHA256 = "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"


class Fire(nn.Module):
    """Fire module: a 1x1 convolution to few channels, then parallel 1x1 and 3x3 convolutions."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class SqueezeNet(nn.Module):
    """Convolutional part of SqueezeNet 1.1: 722,496 weights."""

    def __init__(self) -> None:
        super().__init__()
        start: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        rest = [
            nn.MaxPool2d(3, stride=2, ceil_mode=True) if i in POOLS else Fire(*FIRES[i]) for i in range(2, 13)
        ]
        self.features = nn.Sequential(*start, *rest)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images (n, 3, X, Y) -> the seven feature maps of `TAPS`."""
        taps = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in TAPS:
                taps.append(images)
        return taps


class Head(nn.Module):
    """One non-negative weight per channel. The dropout layer of the file's network is an identity here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        distance: torch.Tensor = self.model(x)
        return distance


class LPIPS(nn.Module):
    """Perceptual distance of two grey images, per pixel. Frozen."""

    shift: torch.Tensor
    spread: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = SqueezeNet()
        self.heads = nn.ModuleDict({f"lin{i}": Head(size) for i, size in enumerate(TAPS.values())})
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Images (n, 1, X, Y) in [0, 1], sides at least 32 -> distance (n, 1, X, Y), at least 0; equal images 0."""
        total = torch.zeros_like(a)
        for head, of_a, of_b in zip(
            self.heads.values(), self._tap_features(a), self._tap_features(b), strict=True
        ):
            distance = head((_unit(of_a) - _unit(of_b)) ** 2)
            total = total + functional.interpolate(distance, a.shape[-2:], mode="bilinear")
        return total

    def _tap_features(self, grey: torch.Tensor) -> list[torch.Tensor]:
        taps: list[torch.Tensor] = self.trunk(
            ((2 * grey - 1).expand(-1, 3, -1, -1) - self.shift) / self.spread
        )
        return taps


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Features divided by their norm over channels at each pixel."""
    length: torch.Tensor = features.norm(dim=1, keepdim=True)
    return features / (length + 1e-10)
