"""Student of reverse distillation (Deng and Li 2022): a one-class embedding of a ResNet's maps, and a decoder of it.

The decoder mirrors the teacher, from the deepest map to the finest. Its blocks are those of the teacher, but the first
one of each stage doubles the size by transposed convolutions.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from uad_methods.parts.features.pyramid import Backbone
from uad_methods.parts.features.wide_resnet50 import GROWTH, WideBlock
from uad_methods.parts.networks.resnet18 import BasicBlock

Block = WideBlock | BasicBlock
#: Blocks of the embedding, and of the stages of the decoder from the deepest.
EMBEDDING = {"wide_resnet50": 3, "resnet18": 2}
STAGES = {"wide_resnet50": (3, 4, 6), "resnet18": (2, 2, 2)}


class Student(nn.Module):
    """Maps of three stages of a teacher, finest first -> the student's maps, of the same shapes and in the same order.

    channels: of the maps, each twice the one before. Trained weights: 83,802,624 for the WideResNet-50-2, 15,383,168
    for the ResNet-18.
    """

    def __init__(self, backbone: Backbone, channels: Sequence[int]) -> None:
        super().__init__()
        finest, middle, deepest = channels
        self.fuse_finest = nn.Sequential(*halving(finest, middle), *halving(middle, deepest))
        self.fuse_middle = halving(middle, deepest)
        self.embedding = stage(backbone, 3 * deepest, 2 * deepest, EMBEDDING[backbone], 2)
        deep_first = (2 * deepest, deepest, middle, finest)
        self.decoder = nn.ModuleList(
            upsampling(stage(backbone, inputs, outputs, count, 1))
            for (inputs, outputs), count in zip(pairwise(deep_first), STAGES[backbone], strict=True)
        )
        initialise(self)

    def embed(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Maps (n, c, x, y), (n, 2 c, x / 2, y / 2), (n, 4 c, x / 4, y / 4) -> embedding (n, 8 c, x / 8, y / 8)."""
        fused = torch.cat([self.fuse_finest(maps[0]), self.fuse_middle(maps[1]), maps[2]], dim=1)
        embedding: torch.Tensor = self.embedding(fused)
        return embedding

    def forward(self, maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        outputs = [self.embed(maps)]
        for part in self.decoder:
            outputs.append(part(outputs[-1]))
        return outputs[:0:-1]


def halving(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution with stride 2, batch normalisation, ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def stage(backbone: Backbone, inputs: int, outputs: int, count: int, stride: int) -> nn.Sequential:
    """`count` blocks of a ResNet's stage, the first one with `stride`."""
    wide = backbone == "wide_resnet50"

    def block(entering: int, step: int) -> Block:
        return WideBlock(entering, outputs // GROWTH, step) if wide else BasicBlock(entering, outputs, step)

    return nn.Sequential(block(inputs, stride), *(block(outputs, 1) for _ in range(count - 1)))


def upsampling(blocks: nn.Sequential) -> nn.Sequential:
    """The stage with a first block that doubles the size: by its first 3x3 convolution and its shortcut."""
    first = blocks[0]
    assert isinstance(first, WideBlock | BasicBlock)
    name = "conv2" if isinstance(first, WideBlock) else "conv1"
    first.add_module(name, doubling(first.get_submodule(name)))
    project, norm = first.downsample.children()
    first.downsample = nn.Sequential(doubling(project), norm)
    return blocks


def doubling(conv: nn.Module) -> nn.ConvTranspose2d:
    """A transposed 2x2 convolution with stride 2 and the channels of `conv`."""
    assert isinstance(conv, nn.Conv2d)
    return nn.ConvTranspose2d(conv.in_channels, conv.out_channels, 2, stride=2, bias=False)


def initialise(net: nn.Module) -> None:
    """Kaiming normal, fan out, for convolutions; transposed ones keep PyTorch's default, as published."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def direction_loss(
    teacher: Sequence[torch.Tensor], student: Sequence[torch.Tensor], *, position: bool = False
) -> torch.Tensor:
    """Sum over maps of 1 - cosine, the mean over images: a scalar in [0, 2 * maps], in float32.

    One cosine per image and map, of all its numbers together; `position`: one of each position, averaged.
    """
    total = torch.zeros((), device=teacher[0].device)
    for one, other in zip(teacher, student, strict=True):
        start = 2 if position else 1  # (n, c, positions) or (n, c * positions)
        total = total + (1 - cosine(one.flatten(start), other.flatten(start))).mean()
    return total


def direction_map(
    teacher: Sequence[torch.Tensor], student: Sequence[torch.Tensor], side: int
) -> torch.Tensor:
    """Sum over maps of 1 - cosine at each position (n, side, side), at least 0; each map is resized bilinearly."""
    total = torch.zeros((len(teacher[0]), side, side), device=teacher[0].device)
    for one, other in zip(teacher, student, strict=True):
        angle = (1 - cosine(one, other))[:, None].clamp(min=0)
        total += nn.functional.interpolate(angle, (side, side), mode="bilinear", align_corners=True)[:, 0]
    return total


def cosine(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Cosine along the second axis, in float32; 0 where a vector is 0."""
    return nn.functional.cosine_similarity(one.float(), other.float(), dim=1, eps=1e-8)
