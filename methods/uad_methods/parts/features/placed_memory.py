"""A memory of feature vectors with their places: nearest entries anywhere, or near the same place."""

import torch
from torch import nn

from uad_methods.parts.features.memory import nearest_distances
from uad_methods.parts.features.near import NearMemory

#: Entries, at least, that a position without entries nearby is compared with: every n-th of the whole memory.
ANCHORS = 64


class PlacedMemory(nn.Module):
    """`size` entries of some numbers and their places: slice, and position along x and y on the grid of the features.

    All entries are searched, unless `search_near` limits a search to those near a position.
    """

    entries: torch.Tensor
    places: torch.Tensor

    def __init__(self, size: int, numbers: int) -> None:
        super().__init__()
        self.register_buffer("entries", torch.zeros(size, numbers))
        self.register_buffer("places", torch.zeros(size, 3, dtype=torch.int64))
        self.near: NearMemory | None = None

    def fill(self, entries: torch.Tensor, places: torch.Tensor) -> None:
        """Replace the content by entries (m, numbers) at places (m, 3)."""
        self.entries, self.places, self.near = entries.contiguous(), places.contiguous(), None

    def search_near(self, grid: tuple[int, int, int], slices: int, radius: float) -> None:
        """From now on search entries near a position only; grid, slices and radius as of `NearMemory`.

        The index is no part of the stored state: call this again after loading.
        """
        self.near = NearMemory(self.entries, self.places, grid, slices, radius)

    def squared_distances(self, features: torch.Tensor, z: torch.Tensor, k: int) -> torch.Tensor:
        """Mean squared distances (n, x, y) of features (n, x, y, numbers) in slices z (n,) to the k nearest entries."""
        flat, shape = features.flatten(0, 2), features.shape[:3]
        if self.near is None:
            return nearest_distances(flat, self.entries, k).view(shape)
        found = self.near.distances(features.movedim(-1, 1), z, k)
        anchors = self.entries[:: max(1, len(self.entries) // ANCHORS)]
        return torch.where(found.isinf(), nearest_distances(flat, anchors, k).view(shape), found)
