"""Denoiser of diffusion models: a U-Net conditioned on the timestep (Dhariwal and Nichol 2021)."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from uad_methods.parts.networks.diffusion_blocks import (
    Attention,
    AttentionBlock,
    Block,
    Way,
    embedding_mlp,
    pass_with_skips,
    sinusoids,
    zero_init,
)
from uad_methods.parts.networks.half_precision import GroupNorm, LastInFloat32

HEAD_WIDTH = 64  # channels of an attention head


class DiffusionUNet(nn.Module):
    """Noised slices and timesteps -> prediction of the same shape, initially 0.

    One channel and the defaults give 34,493,313 weights, with scale_shift 37,513,857, with a condition of 512
    numbers in addition 44,068,481. Sides are halved and doubled inside residual blocks.

        widths: channels of the levels, multiples of `groups`; each level has half the sides of the one
            before.
        blocks: residual blocks per level in the encoder; one more in the decoder.
        groups: of the group normalisation.
        head_width: channels of an attention head.
        scale_shift: how blocks use the embedding, see `Block`.
        condition: length of a vector that conditions all blocks, in addition to the timestep; 0 for none.
        attention: levels with self-attention after each block; the bottom always has one.
    """

    def __init__(  # noqa: PLR0913  # the sizes that differ between papers
        self,
        channels: int,
        widths: tuple[int, ...] = (128, 256, 256),
        blocks: int = 3,
        *,
        groups: int = 32,
        head_width: int = HEAD_WIDTH,
        scale_shift: bool = False,
        condition: int = 0,
        attention: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.multiple, self.top = 2 ** (len(widths) - 1), widths[0]
        hidden, bottom = 4 * widths[0], widths[-1]
        self.time = embedding_mlp(self.top, hidden)
        self.condition = embedding_mlp(condition, hidden) if condition else None
        embedding = 2 * hidden if condition else hidden
        plan = _Plan(widths, blocks, groups, head_width, embedding, scale_shift, attention)
        self.first = nn.Conv2d(channels, self.top, 3, padding=1)
        self.down = nn.ModuleList(plan.down())
        self.middle = nn.ModuleList([plan.attention_block(bottom, bottom), plan.block(bottom, bottom)])
        self.up = nn.ModuleList(plan.up())
        out = zero_init(nn.Conv2d(self.top, channels, 3, padding=1))
        self.last = LastInFloat32(GroupNorm(groups, self.top), nn.SiLU(), out)

    def forward(
        self, x: torch.Tensor, t: torch.Tensor, condition: torch.Tensor | None = None
    ) -> torch.Tensor:
        """x (n, C, X, Y), t int64 (n,), condition (n, `condition`) or None -> (n, C, X, Y).

        Raises ValueError where X or Y is not a multiple of 2^(levels - 1), or where a condition is missing or
        not expected.
        """
        if any(side % self.multiple for side in x.shape[-2:]):
            raise ValueError(f"sides {tuple(x.shape[-2:])} are not multiples of {self.multiple}")
        return pass_with_skips(self, x, self._embedding(t, condition))

    def _embedding(self, t: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        if (condition is None) != (self.condition is None):
            raise ValueError(
                f"condition given: {condition is not None}, expected: {self.condition is not None}"
            )
        time: torch.Tensor = self.time(sinusoids(t, self.top))
        if self.condition is None:
            return time
        return torch.cat([time, self.condition(condition)], dim=1)


@dataclass(frozen=True)
class _Plan:
    """Parameters of `DiffusionUNet`, and the steps of its encoder and decoder."""

    widths: tuple[int, ...]
    blocks: int
    groups: int
    head_width: int
    embedding: int
    scale_shift: bool
    attention: tuple[int, ...]

    def down(self) -> Iterator[nn.Module]:
        """Steps of the encoder: for every level but the first one that halves the sides, then the level's blocks."""
        width = self.widths[0]
        for level, outputs in enumerate(self.widths):
            if level:
                yield self.block(width, width, "down")
            for _ in range(self.blocks):
                yield self.step(width, level)
                width = outputs

    def up(self) -> Iterator[nn.Module]:
        """Steps of the decoder, from the bottom: the level's blocks, then a step that doubles the sides.

        The top level has no such step. Every block receives the concatenation of the features from below and
        a skip connection; each skip is used once.
        """
        skips, width = self.skips(), self.widths[-1]
        for level in reversed(range(len(self.widths))):
            for _ in range(self.blocks + 1):
                yield self.step(width + skips.pop(), level)
                width = self.widths[level]
            if level:
                yield self.block(width, width, "up")

    def skips(self) -> list[int]:
        """Channels of the skip connections: the first convolution's, then those of each step of the encoder."""
        skips = [self.widths[0]]
        for level, width in enumerate(self.widths):
            skips += [skips[-1]] * (level > 0) + [width] * self.blocks
        return skips

    def step(self, inputs: int, level: int) -> nn.Module:
        """Block of `level`, with attention where the level has it."""
        make = self.attention_block if level in self.attention else self.block
        return make(inputs, self.widths[level])

    def block(self, inputs: int, outputs: int, way: Way = "same") -> Block:
        """Residual block of these parameters."""
        return Block(inputs, outputs, self.embedding, self.groups, scale_shift=self.scale_shift, way=way)

    def attention_block(self, inputs: int, outputs: int) -> AttentionBlock:
        """Residual block with attention."""
        return AttentionBlock(self.block(inputs, outputs), Attention(outputs, self.groups, self.head_width))
