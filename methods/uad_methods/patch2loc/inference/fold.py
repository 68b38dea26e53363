"""A trained locator for scoring: batch normalisations folded into the previous layers, heads as matrices."""

from typing import NamedTuple, cast

import torch
from torch import nn

from uad_methods.patch2loc.embedding import sinusoidal
from uad_methods.patch2loc.encoders.resnet import BasicBlock
from uad_methods.patch2loc.locator import Locator


class Affine(NamedTuple):
    """A layer and the following batch normalisation as one: weight (outputs, ...), bias (outputs,); float64."""

    weight: torch.Tensor
    bias: torch.Tensor


def folded(layer: nn.Module, norm: nn.Module | None) -> Affine:
    """Convolution or linear layer, combined with the batch normalisation (running statistics) that follows it."""
    assert isinstance(layer, (nn.Conv2d, nn.Linear))
    weight = layer.weight.detach().double()
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach().double()
    if norm is None:
        return Affine(weight, bias)
    assert isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d))
    mean, variance = (
        cast(torch.Tensor, norm.running_mean).double(),
        cast(torch.Tensor, norm.running_var).double(),
    )
    scale = norm.weight.detach().double() * torch.rsqrt(variance + norm.eps)
    scaled = weight * scale.view(-1, *[1] * (weight.dim() - 1))
    return Affine(scaled, norm.bias.detach().double() + (bias - mean) * scale)


class Heads:
    """Latents (k, D) and heights (k,) -> mean and log-variance, (k, 2) each; always float32."""

    def __init__(self, net: Locator) -> None:
        self.centre, self.mean = cast(torch.Tensor, net.centre), _layers(net.mean)
        self.log_variance = None if net.log_variance is None else _layers(net.log_variance)

    def __call__(self, latent: torch.Tensor, height: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class; `height` in percent of the volume."""
        latent = latent.float()
        latent = latent + sinusoidal(height, latent.shape[1])
        mean = _through(self.mean, latent) + self.centre
        if self.log_variance is None:
            return mean, torch.zeros_like(mean)
        return mean, _through(self.log_variance, latent)


def blocks(net: Locator) -> list[BasicBlock]:
    """Residual blocks of the published encoder, in order."""
    return [block for block in cast(nn.Sequential, net.encoder) if isinstance(block, BasicBlock)]


def stem(net: Locator) -> Affine:
    """First convolution of the published encoder (3x3, stride 2, padding 3) with its batch normalisation."""
    encoder = cast(nn.Sequential, net.encoder)
    return folded(encoder[0], encoder[1])


def shortcut(block: BasicBlock) -> tuple[torch.Tensor, torch.Tensor] | None:
    """1x1 convolution of a block's shortcut as matrix (inputs, outputs) and bias, float64; None for the identity.

    With stride 2 the matrix applies to every second value of each axis.
    """
    if isinstance(block.shortcut, nn.Identity):
        return None
    weight, bias = folded(*cast(nn.Sequential, block.shortcut))
    return weight[:, :, 0, 0].T.contiguous(), bias


def _layers(head: nn.Sequential) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """A head's layers as (matrix (inputs, outputs), bias), float32."""
    layers = list(head)  # linear, normalisation, ReLU, ..., linear
    inner = [folded(linear, norm) for linear, norm in zip(layers[:-1:3], layers[1:-1:3], strict=True)]
    return [(w.T.float().contiguous(), b.float()) for w, b in [*inner, folded(layers[-1], None)]]


def _through(layers: list[tuple[torch.Tensor, torch.Tensor]], x: torch.Tensor) -> torch.Tensor:
    for matrix, bias in layers[:-1]:
        x = torch.addmm(bias, x, matrix).relu_()
    return torch.addmm(layers[-1][1], x, layers[-1][0])
