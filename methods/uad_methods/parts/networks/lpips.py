"""LPIPS (Zhang et al. 2018), version 0.1 on SqueezeNet 1.1, as a map; the weights are files of the user's.

The names of layers are those of the usual files, `squeezenet1_1-b8a52dc0.pth` and the package lpips' own
`weights/v0.1/squeeze.pth`.
"""

import torch
from torch import nn
from torch.nn import functional

FIRES = {  # place in the network: inputs, squeezed, expanded (twice)
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
TAPS = {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512}  # place: channels
SHIFT, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # ImageNet's, for pictures in [-1, 1]
HEADS_SHA256 = (
    "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"  # of lpips 0.1.4, 10,811 bytes
)


class Fire(nn.Module):
    """1×1 down to a few channels, then 1×1 and 3×3 side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class SqueezeNet(nn.Module):
    """The features of SqueezeNet 1.1: 722,496 weights."""

    def __init__(self) -> None:
        super().__init__()
        start: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        rest = [
            nn.MaxPool2d(3, stride=2, ceil_mode=True) if i in POOLS else Fire(*FIRES[i]) for i in range(2, 13)
        ]
        self.features = nn.Sequential(*start, *rest)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Pictures (n, 3, X, Y) -> the seven features of TAPS."""
        taps = []
        for place, layer in enumerate(self.features):
            images = layer(images)
            if place in TAPS:
                taps.append(images)
        return taps


class Head(nn.Module):
    """One weight, at least 0, a channel. Where the file's network has a dropout, there is nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.model(x)
        return answer


class LPIPS(nn.Module):
    """How unlike two grey pictures look, pixel by pixel. Frozen."""

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
        """Pictures (n, 1, X, Y) in [0, 1], at least 32 pixels a side -> (n, 1, X, Y), at least 0; equal: 0."""
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
    """Of length 1 over channels at each place."""
    length: torch.Tensor = features.norm(dim=1, keepdim=True)
    return features / (length + 1e-10)
