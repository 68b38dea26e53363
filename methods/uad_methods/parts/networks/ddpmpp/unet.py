"""DDPM++-style U-Net, with or without a noise level as second input."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from uad_bench.errors import UsageError
from uad_methods.parts.networks.ddpmpp.blocks import (
    Attention,
    AttentionBlock,
    Norm,
    ResidualBlock,
    Style,
    heads,
)
from uad_methods.parts.networks.diffusion_blocks import (
    Way,
    embedding_mlp,
    pass_with_skips,
    sinusoids,
    zero_init,
)
from uad_methods.parts.networks.half_precision import LastInFloat32

MOST_LEVELS = 10  # sides are halved nine times
MOST_BLOCKS, MOST_CHANNELS = 100, 65_536  # of a level


@dataclass(frozen=True)
class Plan:
    """Sizes of `DDPMPlusPlus`. The defaults are those of UAD-IMAG for ANDi; levels count from 0, the finest.

    base, multipliers: a level has `base` times its multiplier channels and half the sides of the level above.
    blocks: residual blocks of each level in the encoder; one more in the decoder.
    attention: levels with self-attention, after each block of the encoder and after the last one of the decoder; the
        middle has it always.
    dropout, dropped: probability, and the levels whose blocks have dropout.
    time: whether the network has a noise level as second input.
    norm, rescale, causal, head_width: see `Style`.
    """

    base: int = 32
    multipliers: tuple[int, ...] = (1, 1, 1, 2, 3, 4)
    blocks: tuple[int, ...] = (1, 1, 1, 2, 4, 2)
    attention: tuple[int, ...] = (4, 5)
    dropout: float = 0.1
    dropped: tuple[int, ...] = (4, 5)
    time: bool = True
    norm: Norm = "group"
    rescale: bool = True
    causal: bool = False
    head_width: int = 32

    def __post_init__(self) -> None:
        """Raise ValueError for sizes of which no network can be built."""
        if not self.multipliers or len(self.blocks) != len(self.multipliers):
            raise ValueError(f"blocks of {len(self.blocks)} levels, multipliers of {len(self.multipliers)}")
        if self.base < 4 or self.base % 2 or min(*self.blocks, *self.multipliers) < 1:
            raise ValueError(
                f"base is {self.base}, blocks are {self.blocks}, multipliers {self.multipliers}; "
                "base is an even number from 4, the others are at least 1"
            )
        outside = {*self.attention, *self.dropped} - set(range(len(self.multipliers)))
        if outside:
            raise ValueError(f"level {min(outside)} of {len(self.multipliers)} levels, counted from 0")
        for level in (*self.attention, -1):
            heads(self.widths[level], self.head_width)
        self._check_limits()

    def _check_limits(self) -> None:
        """Raise ValueError for more levels, blocks or channels than fit any memory."""
        found = len(self.blocks), max(self.blocks), max(self.widths)
        most = MOST_LEVELS, MOST_BLOCKS, MOST_CHANNELS
        if any(one > limit for one, limit in zip(found, most, strict=True)):
            raise ValueError("{} levels, {} blocks, {} channels; at most {}, {} and {}".format(*found, *most))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Channels of the levels."""
        return tuple(self.base * factor for factor in self.multipliers)

    @cached_property
    def multiple(self) -> int:
        """Sides of the input are multiples of this."""
        return int(2 ** (len(self.widths) - 1))

    @cached_property
    def style(self) -> Style:
        """What all blocks have in common."""
        return Style(4 * self.base if self.time else 0, self.norm, self.rescale, self.causal, self.head_width)

    def down(self) -> Iterator[nn.Module]:
        """Steps of the encoder: the blocks of each level, then, except at the bottom, one that halves the sides."""
        width = self.widths[0]
        for level, outputs in enumerate(self.widths):
            for _ in range(self.blocks[level]):
                yield self.step(width, level, attention=level in self.attention)
                width = outputs
            if level < len(self.widths) - 1:
                yield self.block(width, width, level + 1, "down")

    def middle(self) -> Iterator[nn.Module]:
        """Steps of the bottom: a block with attention and one without."""
        bottom = len(self.widths) - 1
        yield self.step(self.widths[-1], bottom, attention=True)
        yield self.step(self.widths[-1], bottom)

    def up(self) -> Iterator[nn.Module]:
        """Steps of the decoder, from the bottom: the blocks of each level, then one that doubles the sides.

        The top level has no such step. Every block receives the features from below and one skip connection.
        """
        skips, width = self.skips(), self.widths[-1]
        for level in reversed(range(len(self.widths))):
            for left in reversed(range(self.blocks[level] + 1)):
                attention = level in self.attention and not left
                yield self.step(width + skips.pop(), level, attention=attention)
                width = self.widths[level]
            if level:
                yield self.block(width, width, level - 1, "up")

    def skips(self) -> list[int]:
        """Channels of the skip connections: the first convolution's, then those of each step of the encoder."""
        skips = [self.widths[0]]
        for level, width in enumerate(self.widths):
            skips += [width] * (self.blocks[level] + (level < len(self.widths) - 1))
        return skips

    def step(self, inputs: int, level: int, *, attention: bool = False) -> nn.Module:
        """Block of a level, with or without attention."""
        width = self.widths[level]
        block = self.block(inputs, width, level)
        return AttentionBlock(block, Attention(width, self.style)) if attention else block

    def block(self, inputs: int, outputs: int, level: int, way: Way = "same") -> ResidualBlock:
        """Residual block whose outputs have the sides of `level`."""
        dropout = self.dropout if level in self.dropped else 0.0
        return ResidualBlock(inputs, outputs, self.style, dropout=dropout, way=way)


#: Fields of a method that are sizes of its plan.
OF_METHODS = ("base", "multipliers", "blocks", "attention", "dropout", "dropped", "causal")


def plan_of(method: Any, name: str, **more: Any) -> Plan:  # of any method with these fields
    """The plan that the fields of a method make, with `more` of `Plan`.

    Raises UsageError, with the method's name, for sizes of which no network can be built.
    """
    try:
        return Plan(**{field: getattr(method, field) for field in OF_METHODS}, **more)
    except ValueError as error:
        hint = "levels count from 0; with attention they have at most 32 channels or a multiple of 32"
        raise UsageError(f"{name} has no such network: {error}", hint=hint) from error


class DDPMPlusPlus(nn.Module):
    """U-Net of residual blocks; its output is initially 0.

    The defaults of `Plan` and one channel give 7,537,025 weights. With `time` the second input is the noise level of
    each slice, a number whose sinusoids pass two dense layers and modulate every block.

        outputs: channels of the output; 0 for as many as the input has.
    """

    def __init__(self, plan: Plan, channels: int, outputs: int = 0) -> None:
        super().__init__()
        self.plan = plan
        self.time = embedding_mlp(plan.base, plan.style.embedding) if plan.time else None
        self.first = nn.Conv2d(channels, plan.base * plan.multipliers[0], 3, padding=1)
        self.down = nn.ModuleList(plan.down())
        self.middle = nn.ModuleList(plan.middle())
        self.up = nn.ModuleList(plan.up())
        top = plan.widths[0]
        last = zero_init(nn.Conv2d(top, outputs or channels, 3, padding=1))
        self.last = LastInFloat32(plan.style.normalised(top), nn.SiLU(), last)

    def forward(self, x: torch.Tensor, t: torch.Tensor | None = None) -> torch.Tensor:
        """x (n, C, X, Y), t (n,) with `time` and None without -> (n, `outputs`, X, Y).

        Raises ValueError where X or Y is not a multiple of 2^(levels - 1), or where t is missing or not expected.
        """
        if any(side % self.plan.multiple for side in x.shape[-2:]):
            raise ValueError(f"sides {tuple(x.shape[-2:])} are not multiples of {self.plan.multiple}")
        return pass_with_skips(self, x, self._embedding(t))

    def _embedding(self, t: torch.Tensor | None) -> torch.Tensor | None:
        """Embedding (n, 4 base) of the noise levels; the activation in front of every block's layer is applied here."""
        if (t is None) != (self.time is None):
            raise ValueError(f"noise level given: {t is not None}, expected: {self.time is not None}")
        if t is None or self.time is None:
            return None
        return functional.silu(self.time(sinusoids(t, self.plan.base)))
