"""Patch features of PatchCore (Roth et al. 2022): the neighbourhood of a position, pooled to a vector of fixed length.

The published code unfolds p x p neighbourhoods, brings them to the finest map element by element, and pools the vector
(channel, p, p) adaptively, once for every map and once for all together. Every step is linear, so that a convolution
with fixed weights before the interpolation gives the same numbers without the unfolded vectors.
"""

import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.features.pyramid import on_finest


class PatchFeatures(nn.Module):
    """Maps of a pyramid -> features (n, dims, x, y) on the grid of the finest map.

    channels: of the maps; patch: odd side of the neighbourhood, positions; dims: a multiple of the number of maps.
    """

    def __init__(self, channels: list[int], patch: int, dims: int) -> None:
        super().__init__()
        each = adaptive_means(dims * len(channels), dims)  # rows: windows over all maps
        for i, count in enumerate(channels):
            own = each[dims // len(channels) * i : dims // len(channels) * (i + 1), dims * i : dims * (i + 1)]
            weight = own @ adaptive_means(count * patch * patch, dims)
            self.register_buffer(f"pool{i}", weight.reshape(-1, count, patch, patch), persistent=False)
        self.patch = patch

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        return on_finest(
            [
                functional.conv2d(one, self.get_buffer(f"pool{i}"), padding=self.patch // 2)
                for i, one in enumerate(maps)
            ]
        )


def adaptive_means(inputs: int, outputs: int) -> torch.Tensor:
    """Adaptive average pooling of a vector as a matrix (outputs, inputs): row i is the mean of entries
    floor(i inputs / outputs) to ceil((i + 1) inputs / outputs)."""
    matrix = torch.zeros(outputs, inputs)
    for i in range(outputs):
        first, end = i * inputs // outputs, -(-(i + 1) * inputs // outputs)
        matrix[i, first:end] = 1 / (end - first)
    return matrix
