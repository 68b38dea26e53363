"""Masked pretraining of a ResNet (SparK, Tian et al. 2023, arXiv 2301.03580): reconstruct slices from visible cells.

Unlike in `masked_squares`, masked cells do not enter the network at all: convolutions, pooling and batch
statistics use visible cells only, and a decoder at several resolutions fills in the rest.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.masked_layers import mask_features, masked_batch_norm, upsample_mask
from uad_methods.parts.networks.resnet50 import GROWTH, STRIDES, ResNet50

CELL = STRIDES[-1]  # side in pixels: one pixel of the deepest feature map
KEPT_SHARE = 0.35  # fraction of visible cells: 3 of 9 at 96 x 96


class HierarchicalDecoder(nn.Module):
    """Feature maps of a `ResNet50` of this `width`, a multiple of 4 -> images; 10,304,913 weights in `grow` and `out`.

    At each resolution masked positions receive a learnt vector, a convolution maps the features to the
    decoder's channels, and they are added to the features of the coarser resolution.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        widths = [8 * width // 2**i for i in range(6)]
        maps = [GROWTH * width * 2**i for i in (3, 2, 1, 0)]  # channels, deepest first
        self.fill = nn.ModuleList(
            Fill(a, b, 3 if i else 1) for i, (a, b) in enumerate(zip(maps, widths, strict=False))
        )
        self.grow = nn.ModuleList(_upsample(a, b) for a, b in pairwise(widths))
        self.out = nn.Conv2d(widths[-1], channels, 1)
        for module in (*self.grow.modules(), self.out):
            _initialise(module)

    def forward(self, maps: list[torch.Tensor], keep: torch.Tensor) -> torch.Tensor:
        """Feature maps of `ResNet50.stages` with `keep` -> images (n, C, X, Y)."""
        decoded = torch.zeros((), device=keep.device)
        for fill, grow, features in zip(self.fill, self.grow, reversed(maps), strict=False):
            decoded = grow(decoded + fill(features, keep))
        images: torch.Tensor = self.out(self.grow[-1](decoded))
        return images


class Fill(nn.Module):
    """Feature map of visible cells -> complete map: batch norm, a learnt vector in masked cells, a convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.token = nn.Parameter(torch.zeros(1, inputs, 1, 1))
        nn.init.trunc_normal_(
            self.token, std=0.02, a=-0.02, b=0.02
        )  # standard deviation after the cut: 0.0108
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, features: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        hidden = 1 - upsample_mask(keep, features)
        filled: torch.Tensor = self.conv(masked_batch_norm(self.norm, features, keep) + self.token * hidden)
        return filled


def pad_to_cells(images: torch.Tensor) -> torch.Tensor:
    """Images padded with zeros to sides that are multiples of 32, with at least two cells along each axis."""
    extra = [max(2, -(-side // CELL)) * CELL - side for side in images.shape[-2:]]
    (left, right), (top, bottom) = ((e // 2, e - e // 2) for e in extra)
    return functional.pad(images, (top, bottom, left, right))


def random_cells(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Random visible cells, float32 (n, 1, X / 32, Y / 32) of 0 and 1; the same number in every image."""
    x, y = (side // CELL for side in images.shape[-2:])
    order = torch.rand((len(images), x * y), generator=rng, device=images.device)
    rank = order.argsort(dim=1, stable=True).argsort(dim=1, stable=True)
    return (rank < round(KEPT_SHARE * x * y)).float().view(-1, 1, x, y)


def reconstruct(
    encoder: ResNet50, rebuilder: HierarchicalDecoder, images: torch.Tensor, keep: torch.Tensor
) -> torch.Tensor:
    """Reconstruction of images (n, C, X, Y) from their visible cells, of the same shape."""
    prediction: torch.Tensor = rebuilder(encoder.stages(mask_features(images, keep), keep), keep)
    return prediction


def reconstruction_loss(prediction: torch.Tensor, images: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Mean of (prediction - image)^2 over the pixels of masked cells: a scalar, in float32."""
    hidden = 1 - upsample_mask(keep, images)
    error = (prediction.float() - images.float()).square() * hidden
    return error.sum() / (hidden.sum() * images.shape[1])


def _initialise(module: nn.Module) -> None:
    """Initial weights of the published decoder: normal with deviation 0.02; transposed convolutions after He et al."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _upsample(inputs: int, outputs: int) -> nn.Sequential:
    """Transposed convolution that doubles the sides, then two convolutions with batch normalisation."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, inputs, 4, stride=2, padding=1),
        nn.Conv2d(inputs, inputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU6(),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )
