"""Attention that may not look at a token's neighbours (You et al. 2022)."""

import torch
from torch import nn
from torch.nn import functional


def neighbour_mask(grid: int, window: int) -> torch.Tensor:
    """What is added to scores (grid^2, grid^2): -inf for keys in the `window` x `window` tokens around a query, else 0.

    The query's own token is among them. Tokens are in the order of the rows of the grid.
    """
    at = torch.arange(grid)
    near = (at[:, None] - at).abs() <= window // 2  # (grid, grid), along one axis
    both = near[:, None, :, None] & near[None, :, None, :]  # x and y of the query, x and y of the key
    return torch.zeros(grid**2, grid**2).masked_fill(both.reshape(grid**2, grid**2), float("-inf"))


class Attention(nn.Module):
    """Attention with several heads: queries, keys, values (n, tokens, dims) and a mask that is added to scores.

    `softmax(q k / sqrt(dims / heads) + mask) v`. The maps of queries, keys and values are one matrix, as in PyTorch's
    own layer: the spread of Xavier's first weights depends on its size.
    """

    def __init__(self, dims: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(dims, 3 * dims)
        self.output = nn.Linear(dims, dims)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        weights, biases = self.inputs.weight.chunk(3), self.inputs.bias.chunk(3)
        q, k, v = (
            self._split(functional.linear(one, weight, bias))
            for one, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5 + mask
        heads = self.dropout(scores.softmax(dim=-1)) @ v
        found: torch.Tensor = self.output(heads.transpose(1, 2).flatten(2))
        return found

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(n, tokens, dims) -> (n, heads, tokens, dims / heads)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
