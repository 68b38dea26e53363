"""ResNet-18 (He et al. 2016, table 1, projections of type B) with the layer names of common weight files."""

import torch
from torch import nn

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions plus a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


class ResNet18(nn.Module):
    """Images (n, 3, X, Y) -> 1000 logits; 11,689,512 weights. With `stages` below 4: the first stages only.

    width: channels of the first stage, doubled in each further one; weight files have 64.
    """

    def __init__(self, stages: int = 4, width: int = WIDTHS[0]) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(len(WIDTHS))]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        pairs = list(zip((width, *widths), widths, strict=False))[:stages]
        for i, (inputs, outputs) in enumerate(pairs, start=1):
            first = BasicBlock(inputs, outputs, 1 if i == 1 else 2)
            self.add_module(f"layer{i}", nn.Sequential(first, BasicBlock(outputs, outputs, 1)))
        if stages == len(WIDTHS):
            self.fc = nn.Linear(widths[-1], 1000)
        self.stages = len(pairs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def taps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps after the pooling and every stage: 64, 64, 128 ... channels at 1/4, 1/4, 1/8 ... of the size."""
        outputs = [self.pool(torch.relu(self.bn1(self.conv1(images))))]
        for i in range(1, self.stages + 1):
            outputs.append(self.get_submodule(f"layer{i}")(outputs[-1]))
        return outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.taps(images)[-1].mean(dim=(2, 3)))
        return logits
