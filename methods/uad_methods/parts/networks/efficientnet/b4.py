"""EfficientNet-B4 (Tan and Le 2019) up to a block, with the layer names of common weight files."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.efficientnet.block import EPSILON, MBConv, SameConv, Shape

STEM = 48
#: Of the stages that are used: blocks, channels, kernel side, stride, growth of the channels inside a block.
STAGES = ((2, 24, 3, 1, 1), (4, 32, 3, 2, 6), (4, 56, 5, 2, 6), (6, 112, 3, 2, 6), (6, 160, 5, 1, 6))
#: Last block of each resolution, 1/2 to 1/16 of the image; their channels.
TAPS, CHANNELS = (1, 5, 9, 21), (24, 32, 56, 160)
#: Side of the images for which the weights were trained, pixels.
SIDE = 380


class EfficientNetB4(nn.Module):
    """Images (n, 3, X, Y) -> feature maps; 3,635,984 weights up to block 21, the last one of stride 16.

    blocks: how many, at most 22. X and Y are multiples of 16. Eval mode: there is no dropping of whole blocks.
    """

    def __init__(self, blocks: int = TAPS[-1] + 1) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, 2, SIDE)
        self._bn0 = nn.BatchNorm2d(STEM, EPSILON)
        self._blocks = nn.ModuleList(MBConv(shape) for shape in list(shapes())[:blocks])

    def taps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Maps of the stem and of blocks 1, 5, 9, 21: 48, 24, 32, 56, 160 channels at 1/2, 1/2, 1/4, 1/8, 1/16."""
        x = functional.silu(self._bn0(self._conv_stem(images)))
        outputs = [x]
        for i, block in enumerate(self._blocks):
            x = block(x)
            outputs += [x] if i in TAPS else []
        return outputs


def shapes() -> Iterator[Shape]:
    """Of the 22 blocks, in order."""
    inputs, size = STEM, SIDE // 2
    for count, outputs, kernel, stride, growth in STAGES:
        for i in range(count):
            yield Shape(inputs, outputs, kernel, stride if i == 0 else 1, growth, size)
            inputs, size = outputs, -(-size // stride) if i == 0 else size
