"""The published network in bf16 for scoring: the encoder in bf16, heads and score in float32.

Scores differ from the exact ones, so this is a variant of its own (`patch2loc:bf16`). Convolutions on maps of
2x2 and 1x1 pixels, and on 4x4 with stride 2, are computed as matrix products, without multiplications by
padding; larger maps as convolutions. The fast algorithms of `toom` are for float32: they subtract nearly
equal numbers.

Maps are (k, x, y, C), channels last in memory.
"""

import torch
from torch.nn import functional

from uad_methods.patch2loc.encoders.resnet import BasicBlock
from uad_methods.patch2loc.inference.fold import Affine, Heads, blocks, folded, shortcut, stem
from uad_methods.patch2loc.locator import Locator

DTYPE = torch.bfloat16


class Conv:
    """Folded convolution on maps n x n, without ReLU: (k, n, n, C) -> (k, outputs, outputs, C')."""

    def __init__(self, affine: Affine, stride: int, padding: int, n: int) -> None:
        self.stride, self.padding = stride, padding
        self.outputs = (n + 2 * padding - affine.weight.shape[-1]) // stride + 1
        self.flat = n <= 2 or (n <= 4 and stride == 2)
        self.bias = affine.bias.to(DTYPE)
        # Explicit strides: with one channel, channels first and last are both contiguous, and PyTorch assumes first.
        self.weight = affine.weight.to(DTYPE).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        if self.flat:
            self.weight = self._matrix(affine.weight.float(), n).to(DTYPE).contiguous()
            self.bias = self.bias.repeat(self.outputs**2)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.flat:
            y = functional.linear(x.reshape(len(x), -1), self.weight, self.bias)
            return y.view(len(x), self.outputs, self.outputs, -1)
        channels_first = x.permute(0, 3, 1, 2)
        y = functional.conv2d(channels_first, self.weight, self.bias, self.stride, self.padding)
        return y.permute(0, 2, 3, 1).contiguous()  # copies only where PyTorch returned channels first

    def _matrix(self, weight: torch.Tensor, n: int) -> torch.Tensor:
        """The convolution of a whole map as one matrix, (outputs^2 C', n^2 C), from its results for unit vectors."""
        channels = weight.shape[1]
        units = torch.eye(n * n * channels, device=weight.device).view(-1, n, n, channels).permute(0, 3, 1, 2)
        columns = functional.conv2d(units, weight, None, self.stride, self.padding)
        return columns.permute(2, 3, 1, 0).flatten(0, 2)


class Block:
    """Residual block on maps n x n."""

    def __init__(self, block: BasicBlock, n: int) -> None:
        conv, norm, _, second, second_norm = block.path
        assert isinstance(conv, torch.nn.Conv2d)
        self.stride = conv.stride[0]
        self.first = Conv(folded(conv, norm), self.stride, 1, n)
        self.second = Conv(folded(second, second_norm), 1, 1, self.first.outputs)
        projection = shortcut(block)
        self.shortcut = projection and (projection[0].T.to(DTYPE).contiguous(), projection[1].to(DTYPE))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        projection = x
        if self.shortcut is not None:
            # Contiguous, otherwise PyTorch copies the matrix for each patch.
            strided = x[:, :: self.stride, :: self.stride].contiguous()
            projection = functional.linear(strided, *self.shortcut)
        return self.second(self.first(x).relu_()).add_(projection).relu_()


class BF16Locator:
    """Trained `Locator` with the published encoder, computed in bf16; called as the network is.

    Patches (k, C, side, side), heights (k,) in percent -> mean and log-variance, (k, 2) each, float32.
    """

    @torch.no_grad()
    def __init__(self, net: Locator, side: int) -> None:
        self.stem, self.heads = Conv(stem(net), 2, 3, side), Heads(net)
        self.belief, self.blocks = net.belief, list[Block]()
        n = (self.stem.outputs + 1) // 2
        for block in blocks(net):
            self.blocks.append(Block(block, n))
            n = self.blocks[-1].second.outputs

    @torch.no_grad()
    def __call__(self, patches: torch.Tensor, height: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        x = self.stem(patches.to(DTYPE).permute(0, 2, 3, 1)).relu_()
        x = functional.max_pool2d(x.permute(0, 3, 1, 2), 3, stride=2, padding=1).permute(0, 2, 3, 1)
        for block in self.blocks:
            x = block(x)
        return self.heads(x.float().mean((1, 2)), height)
