"""VGG-19 (Simonyan and Zisserman 2015) for perceptual and style losses (Johnson et al. 2016).

The user provides the weights in a file with the layer names of `vgg19-dcbb9e9d.pth`.
"""

from collections.abc import Mapping

import torch
from torch import nn

PLAN = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # channels and convolutions of each level
CONTENT = ("1_1", "2_1", "3_1", "4_1", "5_1")
STYLE = ("2_2", "3_4", "4_4", "5_2")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


class VGG19(nn.Module):
    """Convolutional part of VGG-19, 20,024,384 weights. Frozen."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: dict[int, str] = {}  # index of a ReLU layer: name of its output
        inputs = 3
        for level, (width, count) in enumerate(PLAN, start=1):
            for i in range(1, count + 1):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                self.taps[len(layers) - 1], inputs = f"{level}_{i}", width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, grey: torch.Tensor) -> dict[str, torch.Tensor]:
        """Images (n, C, X, Y), each channel as a grey image -> features (n C, ...) by name, "1_1" to "5_2".

        Values v enter as (v + 1) / 2, as published, although images lie in [0, 1].
        """
        x = ((grey.flatten(0, 1)[:, None].expand(-1, 3, -1, -1) + 1) / 2 - self.mean) / self.spread
        outputs = {}
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                outputs[self.taps[index]] = x.float()
            if self.taps.get(index) == STYLE[-1]:
                break
        return outputs


Features = Mapping[str, torch.Tensor]


def perceptual_loss(a: Features, b: Features) -> torch.Tensor:
    """Mean absolute difference of features, summed over five levels: a scalar."""
    return torch.stack([(a[name] - b[name]).abs().mean() for name in CONTENT]).sum()


def style_loss(a: Features, b: Features) -> torch.Tensor:
    """Mean absolute difference of Gram matrices, summed over four levels: a scalar."""
    return torch.stack([(gram(a[name]) - gram(b[name])).abs().mean() for name in STYLE]).sum()


def gram(features: torch.Tensor) -> torch.Tensor:
    """Gram matrices (n, C, C) of features (n, C, X, Y), divided by the number of values per image."""
    n, channels, x, y = features.shape
    flat = features.reshape(n, channels, x * y)
    return flat @ flat.transpose(1, 2) / (channels * x * y)
