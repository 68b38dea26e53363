"""WideResNet-50-2 (Zagoruyko and Komodakis 2016) up to its third stage, with the layer names of common weight files."""

import torch
from torch import nn

BLOCKS = (3, 4, 6)
PLANES = (64, 128, 256)
WIDER, GROWTH = 2, 4  # width inside a block, and channels of its output, relative to the planes of its stage


class WideBlock(nn.Module):
    """1x1, 3x3 and 1x1 convolutions plus a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        width, outputs = WIDER * planes, GROWTH * planes
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        return torch.relu(self.bn3(self.conv3(inner)) + self.downsample(x))


class WideResNet50(nn.Module):
    """Images (n, 3, X, Y) -> feature maps of the first stages; 24,862,528 weights with three stages."""

    def __init__(self, stages: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages, inputs = stages, 64
        for i, (planes, count) in enumerate(zip(PLANES[:stages], BLOCKS, strict=False), start=1):
            first = WideBlock(inputs, planes, 1 if i == 1 else 2)
            inputs = GROWTH * planes
            self.add_module(
                f"layer{i}", nn.Sequential(first, *(WideBlock(inputs, planes, 1) for _ in range(count - 1)))
            )

    def taps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Maps after the pooling and every stage: 64, 256, 512, 1024 channels at 1/4, 1/4, 1/8, 1/16 of the size."""
        outputs = [self.pool(torch.relu(self.bn1(self.conv1(images))))]
        for i in range(1, self.stages + 1):
            outputs.append(self.get_submodule(f"layer{i}")(outputs[-1]))
        return outputs
