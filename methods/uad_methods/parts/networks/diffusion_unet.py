"""The denoiser of diffusion models: a U-Net whose blocks know the timestep (Dhariwal and Nichol 2021)."""

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
    sinusoids,
    zero_init,
)

HEAD_WIDTH = 64  # channels of an attention head


class DiffusionUNet(nn.Module):
    """Noised slices and their timesteps -> what the network is trained to give, of the same shape; at first 0.

    Sides change inside of residual blocks. One channel and the defaults make 34,493,313 weights; scale_shift
    37,513,857; with a condition of 512 numbers as well 44,068,481.

    widths: channels of the levels, multiples of `groups`; each has half the sides of the one before. blocks: of
    a level on the way down, one more on the way up. head_width: channels of an attention head. scale_shift:
    how blocks take the embedding, see `Block`. condition: numbers of a vector that all blocks see beside the
    timestep; 0: none. attention: levels with self-attention behind each block; the bottom has one in any case.
    """

    def __init__(  # noqa: PLR0913  # the sizes that the papers vary
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
        self.last = nn.Sequential(nn.GroupNorm(groups, self.top), nn.SiLU(), out)

    def forward(
        self, x: torch.Tensor, t: torch.Tensor, condition: torch.Tensor | None = None
    ) -> torch.Tensor:
        """x (n, C, X, Y), t int64 (n,), condition (n, `condition`) or None -> (n, C, X, Y).

        Raises ValueError where X or Y is no multiple of 2^(levels - 1), or a condition is missing or too many.
        """
        if any(side % self.multiple for side in x.shape[-2:]):
            raise ValueError(f"sides {tuple(x.shape[-2:])} are no multiples of {self.multiple}")
        embedding = self._embedding(t, condition)
        features = self.first(x)
        skips = [features]
        for step in self.down:
            features = step(features, embedding)
            skips.append(features)
        for step in self.middle:
            features = step(features, embedding)
        for step in self.up:
            if not _doubles(step):
                features = torch.cat([features, skips.pop()], dim=1)
            features = step(features, embedding)
        out: torch.Tensor = self.last(features)
        return out

    def _embedding(self, t: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        if (condition is None) != (self.condition is None):
            raise ValueError(
                f"a condition: {condition is not None}; built for one: {self.condition is not None}"
            )
        time: torch.Tensor = self.time(sinusoids(t, self.top))
        if self.condition is None:
            return time
        return torch.cat([time, self.condition(condition)], dim=1)


@dataclass(frozen=True)
class _Plan:
    """The parameters of `DiffusionUNet`; the steps of its way down and of its way up."""

    widths: tuple[int, ...]
    blocks: int
    groups: int
    head_width: int
    embedding: int
    scale_shift: bool
    attention: tuple[int, ...]

    def down(self) -> Iterator[nn.Module]:
        """For every level but the first a step that halves the sides, then the level's blocks."""
        width = self.widths[0]
        for level, outputs in enumerate(self.widths):
            if level:
                yield self.block(width, width, "down")
            for _ in range(self.blocks):
                yield self.step(width, level)
                width = outputs

    def up(self) -> Iterator[nn.Module]:
        """The levels' blocks from the bottom; for every level but the top a step that doubles the sides.

        A block takes beside what comes from below what the way down kept: all of it is used once.
        """
        skips, width = self.skips(), self.widths[-1]
        for level in reversed(range(len(self.widths))):
            for _ in range(self.blocks + 1):
                yield self.step(width + skips.pop(), level)
                width = self.widths[level]
            if level:
                yield self.block(width, width, "up")

    def skips(self) -> list[int]:
        """Channels of what is kept on the way down: the first convolution's, then those of each step."""
        skips = [self.widths[0]]
        for level, width in enumerate(self.widths):
            skips += [skips[-1]] * (level > 0) + [width] * self.blocks
        return skips

    def step(self, inputs: int, level: int) -> nn.Module:
        """A block of `level`, with attention where the level has it."""
        make = self.attention_block if level in self.attention else self.block
        return make(inputs, self.widths[level])

    def block(self, inputs: int, outputs: int, way: Way = "same") -> Block:
        """A block of these parameters."""
        return Block(inputs, outputs, self.embedding, self.groups, scale_shift=self.scale_shift, way=way)

    def attention_block(self, inputs: int, outputs: int) -> AttentionBlock:
        """A block with attention."""
        return AttentionBlock(self.block(inputs, outputs), Attention(outputs, self.groups, self.head_width))


def _doubles(step: nn.Module) -> bool:
    return isinstance(step, Block) and step.way == "up"
