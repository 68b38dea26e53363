"""ResNet-50 (He et al. 2016, table 1) of any width and depth, which can process visible cells of an image only."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.masked_layers import mask_features, masked_batch_norm

GROWTH = 4  # output channels of a block relative to those inside
STRIDES = (4, 8, 16, 32)  # of the feature maps after each of the four stages, pixels


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions plus a shortcut, which is a 1x1 convolution where the shape changes.

    drop: probability that an image skips the three in training (stochastic depth, Huang et al. 2016); the
        others are scaled up, so that the mean is preserved.
    """

    def __init__(self, inputs: int, width: int, stride: int, drop: float) -> None:
        super().__init__()
        self.drop = drop
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, GROWTH * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(GROWTH * width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != GROWTH * width:
            project = nn.Conv2d(inputs, GROWTH * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(GROWTH * width))

    def forward(self, x: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        inner = torch.relu(conv_norm(self.conv1, self.bn1, x, keep))
        inner = torch.relu(conv_norm(self.conv2, self.bn2, inner, keep))
        inner = self._drop_path(conv_norm(self.conv3, self.bn3, inner, keep))
        return torch.relu(inner + self._shortcut(x, keep))

    def _shortcut(self, x: torch.Tensor, keep: torch.Tensor | None) -> torch.Tensor:
        if self.downsample is None:
            return x
        project, norm = self.downsample
        assert isinstance(project, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        return conv_norm(project, norm, x, keep)

    def _drop_path(self, inner: torch.Tensor) -> torch.Tensor:
        if not self.training or self.drop == 0:
            return inner
        kept = torch.rand((len(inner), 1, 1, 1), device=inner.device) >= self.drop
        return inner * kept / (1 - self.drop)


class ResNet50(nn.Module):
    """Images (n, C, X, Y) -> vectors (n, `features`); 24,550,848 weights with one channel and the defaults.

    width: channels inside the blocks of the first stage, doubled in each further one.
    blocks: blocks per stage.
    drop: stochastic depth of the last block, rising linearly from 0 at the first.
    """

    def __init__(
        self,
        channels: int,
        features: int = 512,
        width: int = 64,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        drop: float = 0.05,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        widths = [width * 2**i for i in range(len(STRIDES))]
        rates = (drop * i / max(1, sum(blocks) - 1) for i in range(sum(blocks)))
        ends = pairwise([width, *(GROWTH * w for w in widths)])
        for i, ((inputs, outputs), inner, count) in enumerate(
            zip(ends, widths, blocks, strict=True), start=1
        ):
            stage = [Bottleneck(inputs, inner, 1 if i == 1 else 2, next(rates))]
            stage += [Bottleneck(outputs, inner, 1, next(rates)) for _ in range(count - 1)]
            self.add_module(f"layer{i}", nn.ModuleList(stage))
        self.fc = nn.Linear(GROWTH * widths[-1], features)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck):  # as timm: every block starts as its shortcut
                nn.init.zeros_(module.bn3.weight)

    def stages(self, images: torch.Tensor, keep: torch.Tensor | None = None) -> list[torch.Tensor]:
        """Feature maps of the four stages, at 1/4 to 1/32 of the size.

        keep: visible cells, see `masked_layers`; sides are then multiples of 32 and cells of 32 pixels or
            more.
        """
        maps = torch.relu(conv_norm(self.conv1, self.bn1, mask_features(images, keep), keep))
        maps = mask_features(functional.max_pool2d(maps, 3, stride=2, padding=1), keep)
        outputs = []
        for i in range(1, len(STRIDES) + 1):
            for block in self.get_submodule(f"layer{i}").children():
                maps = block(maps, keep)
            outputs.append(maps)
        return outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.fc(self.stages(images)[-1].mean(dim=(2, 3)))
        return vectors


def conv_norm(
    conv: nn.Conv2d, norm: nn.BatchNorm2d, x: torch.Tensor, keep: torch.Tensor | None
) -> torch.Tensor:
    """Convolution and batch normalisation, of visible cells only where `keep` is given."""
    return masked_batch_norm(norm, conv(x), keep)
