"""Vision transformer of DINOv2 (ViT-S/14, Oquab et al. 2023), with the names of its weight files.

A patch convolution, a class token, learned positions that are resized to the grid of an image, and twelve blocks of
attention and perceptron, each scaled by a learned vector (LayerScale).
"""

import torch
from torch import nn
from torch.nn import functional

PATCH, WIDTH, DEPTH, HEADS = 14, 384, 12, 6
#: Patches along a side of the images that the learned positions belong to: 518 pixels.
GRID = 37
#: Added to both sides of the grid before the ratio to GRID is taken, as in the first release of the weights.
OFFSET = 0.1


class Attention(nn.Module):
    """Self-attention of tokens (n, t, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, width = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        found: torch.Tensor = self.proj(mixed.transpose(1, 2).reshape(n, t, width))
        return found


class Scale(nn.Module):
    """Multiplies each channel by a learned number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma


class Perceptron(nn.Module):
    """Two layers with a GELU between them, four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return found


class Block(nn.Module):
    """Attention and perceptron, each normalised before and added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn, self.ls1 = Attention(width, heads), Scale(width)
        self.mlp, self.ls2 = Perceptron(width), Scale(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        found: torch.Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return found


class PatchEmbedding(nn.Module):
    """Images (n, 3, X, Y) -> one vector for each patch, (n, width, X / patch, Y / patch)."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.proj(images)
        return found


class VisionTransformer(nn.Module):
    """Images (n, 3, X, Y) -> tokens of the last layer after its norm, (n, width, X / patch, Y / patch).

    22,056,576 weights with the default sizes. `mask_token` is in weight files and takes no part.
    """

    def __init__(
        self, width: int = WIDTH, depth: int = DEPTH, heads: int = HEADS, patch: int = PATCH
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(width, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID * GRID, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.patch_embed(images)
        n, width, x, y = maps.shape
        tokens = torch.cat([self.cls_token.expand(n, -1, -1), maps.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self._positions(x, y)
        for block in self.blocks:
            tokens = block(tokens)
        found: torch.Tensor = self.norm(tokens)[:, 1:].transpose(1, 2).reshape(n, width, x, y)
        return found

    def _positions(self, x: int, y: int) -> torch.Tensor:
        """Positions (1, 1 + x y, width), resized bicubically to a grid of x times y patches."""
        if (x, y) == (GRID, GRID):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, GRID, GRID, -1).permute(0, 3, 1, 2)
        ratios = ((x + OFFSET) / GRID, (y + OFFSET) / GRID)
        resized = functional.interpolate(
            grid, scale_factor=ratios, mode="bicubic", recompute_scale_factor=False
        )
        return torch.cat([self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)
