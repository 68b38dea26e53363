"""Blocks of the diffusion U-Net: residual blocks modulated by an embedding, and self-attention.

After Dhariwal and Nichol 2021 (arXiv 2105.05233, appendix). Features are (n, C, X, Y), embeddings (n, E).
"""

import math
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from uad_methods.parts.networks.half_precision import GroupNorm, recomputed

PERIOD = 10_000  # of the slowest sinusoid: timesteps / 2 pi
Way = Literal["same", "down", "up"]
FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class Block(nn.Module):
    """Residual block: norm, SiLU, 3x3 convolution, embedding, norm, SiLU, 3x3 convolution; initially the identity.

    scale_shift: the embedding scales and shifts the features after the second norm; else it is added
        before it.
    way: "down" or "up" halves or doubles the sides in both paths, before the first convolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        embedding: int,
        groups: int,
        *,
        scale_shift: bool = False,
        way: Way = "same",
    ) -> None:
        super().__init__()
        self.scale_shift, self.way = scale_shift, way
        self.enter = nn.Sequential(GroupNorm(groups, inputs), nn.SiLU())
        self.resize = _resize(way)
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embed = nn.Sequential(nn.SiLU(), nn.Linear(embedding, outputs * (2 if scale_shift else 1)))
        self.norm = GroupNorm(groups, outputs)
        self.leave = nn.Sequential(nn.SiLU(), zero_init(nn.Conv2d(outputs, outputs, 3, padding=1)))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        inner = self.conv(recomputed(self._entered, x))
        projected = self.embed(embedding)[..., None, None]
        convolved = self.leave[1](recomputed(self._modulated, inner, projected))
        both: torch.Tensor = self.shortcut(self.resize(x)) + convolved
        return both

    def _entered(self, x: torch.Tensor) -> torch.Tensor:
        """Input of the first convolution."""
        entered: torch.Tensor = self.resize(self.enter(x))
        return entered

    def _modulated(self, inner: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """Input of the second convolution."""
        if self.scale_shift:
            scale, shift = projected.chunk(2, dim=1)
            inner = self.norm(inner) * (1 + scale) + shift
        else:
            inner = self.norm(inner + projected)
        active: torch.Tensor = self.leave[0](inner)
        return active


class Attention(nn.Module):
    """Residual self-attention over all pixels; initially the identity."""

    def __init__(self, width: int, groups: int, head_width: int) -> None:
        super().__init__()
        self.heads = max(1, width // head_width)
        self.norm = GroupNorm(groups, width)
        self.ask = nn.Conv2d(width, 3 * width, 1)
        self.answer = zero_init(nn.Conv2d(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, width, *sides = x.shape
        qkv = self.ask(self.norm(x)).reshape(n, 3, self.heads, width // self.heads, -1).transpose(3, 4)
        query, key, value = qkv.contiguous().unbind(dim=1)
        # The fused kernels have no deterministic gradient on a GPU.
        backends = [SDPBackend.MATH] if x.requires_grad and torch.is_grad_enabled() else FUSED
        with sdpa_kernel(backends):
            attended = functional.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(2, 3).reshape(n, width, *sides)
        both: torch.Tensor = x + self.answer(attended)
        return both


class AttentionBlock(nn.Module):
    """Residual block followed by self-attention."""

    def __init__(self, block: Block, attention: Attention) -> None:
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = self.attention(self.block(x, embedding))
        return attended


def sinusoids(t: torch.Tensor, size: int) -> torch.Tensor:
    """Timesteps (n,) -> float32 (n, size): `size` / 2 cosines, then as many sines (Vaswani et al. 2017)."""
    half = size // 2
    rates = torch.exp(-math.log(PERIOD) / half * torch.arange(half, device=t.device))
    angles = t[:, None].float() * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def embedding_mlp(inputs: int, outputs: int) -> nn.Sequential:
    """Two dense layers that make an embedding of sinusoids or of a condition."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.SiLU(), nn.Linear(outputs, outputs))


def zero_init(conv: nn.Conv2d) -> nn.Conv2d:
    """The convolution with weights and bias set to 0, so that its residual branch starts as 0."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def _resize(way: Way) -> nn.Module:
    if way == "same":
        return nn.Identity()
    return nn.AvgPool2d(2) if way == "down" else nn.Upsample(scale_factor=2, mode="nearest")


def pass_with_skips(net: Any, x: torch.Tensor, embedding: torch.Tensor | None) -> torch.Tensor:
    """Output of a U-Net for x (n, C, X, Y): `first`, the steps `down`, `middle` and `up`, and `last`.

    Each step takes features and the embedding. A step of `up` also takes the last output of `down` that was not used
    yet, as further channels, but for those whose `way` is "up".
    """
    features = net.first(x)
    skips = [features]
    for step in net.down:
        features = step(features, embedding)
        skips.append(features)
    for step in net.middle:
        features = step(features, embedding)
    for step in net.up:
        if getattr(step, "way", "same") != "up":
            features = torch.cat([features, skips.pop()], dim=1)
        features = step(features, embedding)
    out: torch.Tensor = net.last(features)
    return out
