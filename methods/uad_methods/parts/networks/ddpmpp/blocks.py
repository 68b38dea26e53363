"""Blocks of the DDPM++-style U-Net: residual blocks with an optional embedding, and self-attention.

After Song et al. 2021 (arXiv 2011.13456, appendix H). Features are (n, C, X, Y), embeddings (n, E). The shapes of the
layers follow from the parameter counts of the networks of UAD-IMAG.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from uad_methods.parts.networks.diffusion_blocks import FUSED, Way, zero_init
from uad_methods.parts.networks.half_precision import GroupNorm, recomputed

Norm = Literal["group", "batch"]
MOST_GROUPS = 32


@dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common.

    embedding: length of the embedding that scales and shifts the features after the second norm; 0 for none.
    norm: group normalisation with a group for every 4 channels, at most 32; or batch normalisation.
    rescale: sums of a branch and its shortcut are divided by sqrt 2.
    causal: a position attends to itself and to earlier ones in raster order only.
    head_width: channels of an attention head.
    """

    embedding: int = 0
    norm: Norm = "group"
    rescale: bool = True
    causal: bool = False
    head_width: int = 32

    def normalised(self, width: int) -> nn.Module:
        """A norm of `width` channels."""
        return nn.BatchNorm2d(width) if self.norm == "batch" else GroupNorm(groups(width), width)

    def added(self, shortcut: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        """Both together."""
        both = shortcut + branch
        return both * math.sqrt(0.5) if self.rescale else both

    def lean(self, layers: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
        """The layers' result, see `recomputed`; computing them twice would count a batch norm's batch twice."""
        return recomputed(layers, *inputs) if self.norm == "group" else layers(*inputs)


class ResidualBlock(nn.Module):
    """Residual block: norm, SiLU, 3x3 convolution, norm, scale and shift, SiLU, dropout, 3x3 convolution.

    The last convolution is initially 0. A 1x1 convolution is the shortcut of blocks that change width or side.

        way: "down" (means of 2 x 2) or "up" (nearest) resizes both paths; both convolutions of "down" and the first of
            "up" see the coarser grid, as the published numbers of multiplications require.
    """

    def __init__(
        self, inputs: int, outputs: int, style: Style, *, dropout: float = 0.0, way: Way = "same"
    ) -> None:
        super().__init__()
        self.style, self.way = style, way
        self.enter = nn.Sequential(style.normalised(inputs), nn.SiLU())
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embed = nn.Linear(style.embedding, 2 * outputs) if style.embedding else None
        self.norm = style.normalised(outputs)
        self.dropout = nn.Dropout(dropout)
        self.leave = zero_init(nn.Conv2d(outputs, outputs, 3, padding=1))
        same = inputs == outputs and way == "same"
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor | None = None) -> torch.Tensor:
        inner = self.conv(self.style.lean(self._entered, x))
        given = [inner] if self.embed is None else [inner, self.embed(embedding)[..., None, None]]
        active = self._enlarged(self.style.lean(self._modulated, *given))
        branch = self.leave(self.dropout(active))
        return self.style.added(self.shortcut(self._enlarged(self._reduced(x))), branch)

    def _entered(self, x: torch.Tensor) -> torch.Tensor:
        """Input of the first convolution."""
        return self._reduced(self.enter(x))

    def _modulated(self, inner: torch.Tensor, projected: torch.Tensor | None = None) -> torch.Tensor:
        """Input of the second convolution before enlargement, which commutes with all of this, and dropout."""
        inner = self.norm(inner)
        if projected is not None:
            scale, shift = projected.chunk(2, dim=1)
            inner = inner * (1 + scale) + shift
        return functional.silu(inner)

    def _reduced(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(x, 2) if self.way == "down" else x

    def _enlarged(self, x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, scale_factor=2.0, mode="nearest") if self.way == "up" else x


class Attention(nn.Module):
    """Residual self-attention over all pixels; its last 1x1 convolution is initially 0.

    5 C^2 + 4 C weights for C channels: norm, queries, keys and values without bias, projection, last convolution. The
    counts of the published networks leave open which of these layers have the biases.
    """

    def __init__(self, width: int, style: Style) -> None:
        super().__init__()
        self.style, self.heads = style, heads(width, style.head_width)
        self.norm = style.normalised(width)
        self.ask = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.project = nn.Conv2d(width, width, 1)
        self.answer = zero_init(nn.Conv2d(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, width, *sides = x.shape
        qkv = self.ask(self.norm(x)).reshape(n, 3, self.heads, width // self.heads, -1).transpose(3, 4)
        query, key, value = qkv.contiguous().unbind(dim=1)
        # The fused kernels have no deterministic gradient on a GPU.
        backends = [SDPBackend.MATH] if x.requires_grad and torch.is_grad_enabled() else FUSED
        with sdpa_kernel(backends):
            attended = functional.scaled_dot_product_attention(query, key, value, is_causal=self.style.causal)
        attended = attended.transpose(2, 3).reshape(n, width, *sides)
        return self.style.added(x, self.answer(self.project(attended)))


class AttentionBlock(nn.Module):
    """Residual block followed by self-attention."""

    def __init__(self, block: ResidualBlock, attention: Attention) -> None:
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, x: torch.Tensor, embedding: torch.Tensor | None = None) -> torch.Tensor:
        attended: torch.Tensor = self.attention(self.block(x, embedding))
        return attended


def groups(width: int) -> int:
    """Groups of the normalisation of `width` channels: a quarter of them, at most 32, or the next smaller divisor."""
    return next(n for n in range(min(max(width // 4, 1), MOST_GROUPS), 0, -1) if width % n == 0)


def heads(width: int, head_width: int) -> int:
    """Attention heads of `width` channels. Raises ValueError where they do not divide."""
    if width > head_width and width % head_width:
        raise ValueError(f"attention over {width} channels, which is no multiple of {head_width}")
    return max(1, width // head_width)
