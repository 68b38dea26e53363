"""Feature maps of slices at several resolutions, from a network that is not trained further."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.features.wide_resnet50 import GROWTH, PLANES, WideResNet50
from uad_methods.parts.networks.efficientnet import b4
from uad_methods.parts.networks.resnet18 import ResNet18

Backbone = Literal["wide_resnet50", "resnet18", "efficientnet_b4"]
#: Mean and standard deviation of the colours of ImageNet, which the weight files were trained with.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Pyramid(nn.Module):
    """Feature maps of some stages, counted from 1, of a network; each modality is a grey image of its own.

    stages: in rising order. width: channels of the first stage of the ResNet-18. It stays in eval mode, unless
    `learning` is set. `channels`: of each map; `strides`: of each map, pixels.
    """

    def __init__(self, backbone: Backbone, stages: tuple[int, ...], width: int = 64) -> None:
        super().__init__()
        # whichever network it is: the name is that of stored weights
        self.resnet, self.channels = _network(backbone, stages, width)
        self.stages, self.learning = stages, False
        self.strides = [2 ** (s if backbone == "efficientnet_b4" else s + 1) for s in stages]
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(SD).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> "Pyramid":
        """In train mode batch statistics would change: only while `learning`."""
        return super().train(mode and self.learning)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Slices (n, C, X, Y) in [0, 1] -> a map (n C, channels, X / stride, Y / stride) of every stage."""
        grey = images.flatten(0, 1)[:, None].expand(-1, 3, -1, -1)
        taps = self.resnet.taps((grey - self.get_buffer("mean")) / self.get_buffer("sd"))
        return [taps[stage] for stage in self.stages]


def _network(
    backbone: Backbone, stages: tuple[int, ...], width: int
) -> tuple[WideResNet50 | ResNet18 | b4.EfficientNetB4, list[int]]:
    """The network up to its last stage, and the channels of the stages."""
    if backbone == "efficientnet_b4":
        return b4.EfficientNetB4(b4.TAPS[stages[-1] - 1] + 1), [b4.CHANNELS[s - 1] for s in stages]
    if backbone == "wide_resnet50":
        return WideResNet50(stages[-1]), [GROWTH * PLANES[s - 1] for s in stages]
    return ResNet18(stages[-1], width), [width * 2 ** (s - 1) for s in stages]


def on_finest(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Maps (n, channels, x, y) of several resolutions -> one with all channels, on the grid of the first."""
    size = (maps[0].shape[-2], maps[0].shape[-1])
    resized = [functional.interpolate(one, size, mode="bilinear", align_corners=False) for one in maps[1:]]
    return torch.cat([maps[0], *resized], dim=1)


def check_stages(stages: tuple[int, ...], most: int) -> bool:
    """Whether stages are given in rising order, from 1 to `most`."""
    return bool(stages) and all(a < b for a, b in pairwise(stages)) and stages[0] >= 1 and stages[-1] <= most


def settle_statistics(pyramid: Pyramid, images: torch.Tensor) -> None:
    """Set the batch statistics of a network with random weights to those of some slices, (n, C, X, Y)."""
    norms = [module for module in pyramid.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches since the reset
    pyramid.learning = True
    pyramid.train()
    with torch.no_grad():
        pyramid(images)
    pyramid.learning = False
    pyramid.eval()
