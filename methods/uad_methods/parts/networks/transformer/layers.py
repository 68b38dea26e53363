"""Layers of UniAD's transformer (You et al. 2022). Tokens are (n, L, dims), positions (L, dims), masks (L, L)."""

from dataclasses import dataclass

import torch
from torch import nn

from uad_methods.parts.networks.transformer.attention import Attention


@dataclass(frozen=True)
class Sizes:
    """dims: of a token; heads: of the attention; feed: inner width of a feed-forward part; dropout: its probability."""

    dims: int
    heads: int
    feed: int
    dropout: float


class Residual(nn.Module):
    """norm(x + dropout(change)), normalisation after the sum."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.dropout, self.norm = nn.Dropout(sizes.dropout), nn.LayerNorm(sizes.dims)

    def forward(self, x: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(x + self.dropout(change))
        return found


def feed_forward(sizes: Sizes) -> nn.Sequential:
    """Two linear layers with a ReLU and dropout between them."""
    return nn.Sequential(
        nn.Linear(sizes.dims, sizes.feed),
        nn.ReLU(),
        nn.Dropout(sizes.dropout),
        nn.Linear(sizes.feed, sizes.dims),
    )


class EncoderLayer(nn.Module):
    """Attention of tokens to tokens, then a feed-forward part; positions are added to queries and keys."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.attention = Attention(sizes.dims, sizes.heads, sizes.dropout)
        self.feed = feed_forward(sizes)
        self.after_attention, self.after_feed = Residual(sizes), Residual(sizes)

    def forward(self, x: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        placed = x + positions
        x = self.after_attention(x, self.attention(placed, placed, x, mask))
        found: torch.Tensor = self.after_feed(x, self.feed(x))
        return found


class DecoderLayer(nn.Module):
    """A learned query (L, dims) looks at the encoder's output, then at the previous layer's; then a feed-forward part.

    The sum of the residual parts begins with the query, so that no input reaches the output unchanged.
    """

    def __init__(self, sizes: Sizes, tokens: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(tokens, sizes.dims))
        self.to_encoder = Attention(sizes.dims, sizes.heads, sizes.dropout)
        self.to_previous = Attention(sizes.dims, sizes.heads, sizes.dropout)
        self.feed = feed_forward(sizes)
        self.after_encoder, self.after_previous = Residual(sizes), Residual(sizes)
        self.after_feed = Residual(sizes)

    def forward(
        self, encoded: torch.Tensor, previous: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        x = self.query.expand(len(encoded), -1, -1)
        x = self.after_encoder(x, self.to_encoder(x + positions, encoded + positions, encoded, mask))
        x = self.after_previous(x, self.to_previous(x + positions, previous + positions, previous, mask))
        found: torch.Tensor = self.after_feed(x, self.feed(x))
        return found
