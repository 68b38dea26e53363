"""The published network for scoring, patch by patch, with a minimum of multiplications.

A ResNet on a patch of 24 pixels has maps of 7x7, 4x4, 2x2 and 1x1, where much of a padded 3x3 convolution
lies in the padding. Here every convolution is a product of matrices for each of m^2 terms, between two small
constant transforms (`toom`): a third of the multiplications for a patch of 24, none with padding. In the last
stage only the kernel's centre remains. Any patch size works; results are those of `Locator` in eval mode up
to float32 rounding.

Maps are (x, y, k, C), so that products are over rows of patches and no data is rearranged between layers.
"""

import torch

from uad_methods.patch2loc.encoders.resnet import BasicBlock
from uad_methods.patch2loc.inference.fold import Affine, Heads, blocks, folded, shortcut, stem
from uad_methods.patch2loc.inference.toom import halved, same
from uad_methods.patch2loc.locator import Locator

#: Up to this size one matrix transforms both axes: more multiplications, but one pass over memory less.
SMALL = 4


class Workspace:
    """Reused memory: on a CPU, newly allocated pages cost as much time as the matrix products."""

    def __init__(self, device: torch.device) -> None:
        self.device, self._buffers = device, dict[str, torch.Tensor]()

    def __call__(self, role: str, *shape: int) -> torch.Tensor:
        """Float32 tensor of `shape` with its previous content; valid until `role` is requested again."""
        size = torch.Size(shape).numel()
        if role not in self._buffers or self._buffers[role].numel() < size:
            self._buffers[role] = torch.empty(size, device=self.device)
        return self._buffers[role][:size].view(shape)


class Conv:
    """3x3 convolution with padding 1 on maps n x n, folded batch normalisation, an added map, and ReLU."""

    def __init__(self, affine: Affine, stride: int, n: int, space: Workspace) -> None:
        before, taps, after = (torch.from_numpy(m.copy()) for m in (same if stride == 1 else halved)(n))
        self.products, self.n, self.outputs, self.space = len(taps), n, len(after), space
        taps = taps.to(affine.weight.device)
        terms = torch.einsum("ip,jq,ocpq->ijco", taps, taps, affine.weight).flatten(0, 1)
        self.terms, self.bias = terms.float().contiguous(), affine.bias.float()
        self.before = (torch.kron(before, before) if n <= SMALL else before).float().to(space.device)
        if self.outputs <= SMALL:
            after = torch.kron(after, after)
        ones = torch.ones(len(after), 1, dtype=after.dtype)  # the bias is one more term, with weight 1
        self.after = torch.cat([after, ones], 1).float().to(space.device)

    def __call__(self, x: torch.Tensor, role: str, added: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (n, n, k, C) -> relu(convolution + added) (outputs, outputs, k, C'), in the memory of `role`."""
        k, m = x.shape[2], self.products
        product = self.space("product", m * m + 1, k, len(self.bias))
        torch.bmm(self._transform_input(x).view(m * m, k, -1), self.terms, out=product[:-1])
        y = self._transform_output(product, role)
        return (y if added is None else y.add_(added)).relu_()

    def _transform_input(self, x: torch.Tensor) -> torch.Tensor:
        n, m, rest = self.n, self.products, x.shape[2:].numel()
        if n == m:  # one value, or two with stride 2: no transform needed
            return x
        spread = self.space("spread", m, m, *x.shape[2:])
        if n <= SMALL:
            torch.mm(self.before, x.view(n * n, rest), out=spread.view(m * m, rest))
            return spread
        half = self.space("half", m, n, rest)
        torch.mm(self.before, x.view(n, n * rest), out=half.view(m, n * rest))
        torch.bmm(self.before.expand(m, -1, -1), half, out=spread.view(m, m, rest))
        return spread

    def _transform_output(self, product: torch.Tensor, role: str) -> torch.Tensor:
        m, outputs, rest = self.products, self.outputs, product.shape[1:].numel()
        y = self.space(role, outputs, outputs, *product.shape[1:])
        if outputs <= SMALL:
            product[-1] = self.bias
            torch.mm(self.after, product.view(-1, rest), out=y.view(-1, rest))
            return y
        half = self.space("half", m + 1, outputs, *product.shape[1:])
        along = self.after[:, :-1].expand(m, -1, -1)
        torch.bmm(along, product[:-1].view(m, m, rest), out=half[:-1].view(m, outputs, rest))
        half[-1] = self.bias
        torch.mm(self.after, half.view(m + 1, -1), out=y.view(outputs, -1))
        return y


class Block:
    """Residual block on maps n x n; `role` names the memory of its output, which must differ from its input's."""

    def __init__(self, block: BasicBlock, n: int, role: str, space: Workspace) -> None:
        conv, norm, _, second, second_norm = block.path
        assert isinstance(conv, torch.nn.Conv2d)
        self.first = Conv(folded(conv, norm), conv.stride[0], n, space)
        self.outputs, self.role, self.space = self.first.outputs, role, space
        self.second = Conv(folded(second, second_norm), 1, self.outputs, space)
        projection = shortcut(block)
        self.shortcut = projection and (projection[0].float(), projection[1].float())
        self.stride = conv.stride[0]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.first(x, "inner")
        return self.second(inner, self.role, x if self.shortcut is None else self._project(x, *self.shortcut))

    def _project(self, x: torch.Tensor, matrix: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        strided = x[:: self.stride, :: self.stride]
        y = self.space("shortcut", *strided.shape[:3], len(bias))
        torch.addmm(bias, strided.reshape(-1, len(matrix)), matrix, out=y.view(-1, len(bias)))
        return y


class Stem:
    """Patches (k, C, s, s) -> maps after the first convolution (stride 2, padding 3), ReLU and max pooling."""

    def __init__(self, affine: Affine, side: int, space: Workspace) -> None:
        self.matrix, self.bias = affine.weight.flatten(1).T.float().contiguous(), affine.bias.float()
        self.wide = (side + 3) // 2 + 1
        self.outputs, self.space = (self.wide + 1) // 2, space

    def __call__(self, patches: torch.Tensor, role: str) -> torch.Tensor:
        k, C = patches.shape[:2]
        windows = torch.nn.functional.pad(patches, (3, 3, 3, 3)).unfold(2, 3, 2).unfold(3, 3, 2)
        columns = self.space("columns", self.wide, self.wide, k, C, 3, 3)
        columns.copy_(windows.permute(2, 3, 0, 1, 4, 5))
        wide = self.space("wide", self.wide, self.wide, k, len(self.bias))
        torch.mm(columns.view(-1, len(self.matrix)), self.matrix, out=wide.view(-1, len(self.bias)))
        pooled = self._pooled(self._pooled(wide, 0), 1)  # before bias and ReLU, which are monotonic
        return torch.add(pooled, self.bias, out=self.space(role, *pooled.shape)).relu_()

    def _pooled(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """Maximum over 2i - 1, 2i, 2i + 1 along an axis, as far as they exist."""
        even, odd = x.movedim(axis, 0)[::2], x.movedim(axis, 0)[1::2]
        largest = self.space(f"pool{axis}", *even.shape)
        largest.copy_(even)
        torch.maximum(largest[: len(odd)], odd, out=largest[: len(odd)])
        following = min(len(odd), len(largest) - 1)
        torch.maximum(largest[1 : following + 1], odd[:following], out=largest[1 : following + 1])
        return largest.movedim(0, axis)


class ExactLocator:
    """Predictions of a trained `Locator` with the published encoder in eval mode, several times as fast.

    Call it as the network: patches (k, C, side, side), heights (k,) in percent -> mean and log-variance, (k,
    2) each, float32. It copies the weights and has no gradient.
    """

    @torch.no_grad()
    def __init__(self, net: Locator, side: int) -> None:
        space = Workspace(next(net.parameters()).device)
        self.stem, self.heads = Stem(stem(net), side, space), Heads(net)
        self.belief, self.blocks = net.belief, list[Block]()
        n = self.stem.outputs
        for block in blocks(net):
            self.blocks.append(Block(block, n, f"out{len(self.blocks) % 2}", space))
            n = self.blocks[-1].outputs

    @torch.no_grad()
    def __call__(self, patches: torch.Tensor, height: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        x = self.stem(patches, "out1")
        for block in self.blocks:
            x = block(x)
        return self.heads(x.mean((0, 1)), height)
