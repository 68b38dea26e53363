"""UniAD's transformer: tokens are rebuilt by layers that cannot pass them on (You et al. 2022)."""

import torch
from torch import nn

from uad_methods.parts.networks.transformer.attention import neighbour_mask
from uad_methods.parts.networks.transformer.layers import DecoderLayer, EncoderLayer, Sizes


class TokenTransformer(nn.Module):
    """Tokens (n, grid^2, channels) -> rebuilt tokens of the same shape.

    7,577,856 + 513 channels weights with the published sizes: a grid of 14, 4 layers of encoder and decoder, 256
    numbers a token, 8 heads, 1024 inside the feed-forward parts. window: side of the neighbourhood, tokens, that no
    attention may look at. First weights: Xavier uniform, biases 0; positions uniform in [0, 1), queries normal.
    """

    def __init__(self, channels: int, grid: int, window: int, layers: int, sizes: Sizes) -> None:
        super().__init__()
        dims = sizes.dims
        self.entry, self.exit = nn.Linear(channels, dims), nn.Linear(dims, channels)
        self.rows = nn.Parameter(torch.rand(grid, dims // 2))
        self.columns = nn.Parameter(torch.rand(grid, dims // 2))
        self.encoder = nn.ModuleList(EncoderLayer(sizes) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(sizes, grid**2) for _ in range(layers))
        self.norm = nn.LayerNorm(dims)
        self.mask: torch.Tensor
        self.register_buffer("mask", neighbour_mask(grid, window), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def positions(self) -> torch.Tensor:
        """(grid^2, dims): the column's vector, then the row's."""
        grid = len(self.rows)
        columns, rows = self.columns[None].expand(grid, -1, -1), self.rows[:, None].expand(-1, grid, -1)
        return torch.cat([columns, rows], dim=2).flatten(0, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        positions, encoded = self.positions(), self.entry(tokens)
        for layer in self.encoder:
            encoded = layer(encoded, positions, self.mask)
        x = encoded
        for layer in self.decoder:
            x = layer(encoded, x, positions, self.mask)
        found: torch.Tensor = self.exit(self.norm(x))
        return found
