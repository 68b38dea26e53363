"""Nearest neighbours among the entries of a memory near a position: in the same or next slices, within a radius.

Entries are kept in blocks as wide as the radius, so that a position is compared with those of 3 x 3 blocks
in a few slices. All steps are gathers and matrix products on the device of the memory, without waits for it.
"""

from collections.abc import Iterator

import torch
from torch.nn import functional


class NearMemory:
    """An index of entries (m, d) at places (m, 3): slice, and position along x and y on the grid of the features.

    grid: (slices, x, y); slices: how many slices below and above are searched; radius: in positions, Euclidean.
    """

    def __init__(
        self,
        entries: torch.Tensor,
        places: torch.Tensor,
        grid: tuple[int, int, int],
        slices: int,
        radius: float,
    ) -> None:
        self.grid, self.mean = grid, entries.mean(dim=0)
        # the last of each stands for positions of the table without an entry
        self.entries, self.places = _with_last(entries, 0.0), _with_last(places[:, 1:].float(), 0.0)
        self.centred = self.entries - self.mean
        self.norms = _with_last(self.centred[:-1].square().sum(dim=1), float("inf"))
        farthest = int(radius + 1e-6)  # along one axis, in whole positions
        self.slices, self.radius, self.side = slices, radius, max(1, farthest)
        self.reach = min(1, farthest)  # blocks: none but its own for a position where the radius is below 1
        # One more block on each side, and as many slices as are searched: their blocks are empty.
        self.blocks = tuple(-(-n // self.side) + 2 for n in grid[1:])
        self.table = self._table(places)
        self.active = self._active()

    def _table(self, places: torch.Tensor) -> torch.Tensor:
        """Indices of entries by padded slice and block, (slices, x, y, most in a block); m where there is none."""
        shape = (self.grid[0] + 2 * self.slices, *self.blocks)
        at = places + places.new_tensor([self.slices, self.side, self.side])
        block = (at[:, 0] * shape[1] + at[:, 1] // self.side) * shape[2] + at[:, 2] // self.side
        order = block.argsort(stable=True)
        counts = block.bincount(minlength=shape[0] * shape[1] * shape[2])
        first = counts.cumsum(0) - counts
        rank = torch.arange(len(block), device=block.device) - first[block[order]]
        table = torch.full((len(counts), max(1, int(counts.max()))), len(places), device=block.device)
        table[block[order], rank] = order
        return table.view(*shape, -1)

    def _active(self) -> torch.Tensor:
        """The blocks of a slice, numbered without the margin, that have an entry nearby in any slice."""
        filled = (self.table < len(self.entries) - 1).any(dim=3).any(dim=0)
        near = functional.max_pool2d(filled[None, None].float(), 3, stride=1)[0, 0]
        return near.flatten().nonzero().flatten()

    def distances(self, features: torch.Tensor, z: torch.Tensor, k: int) -> torch.Tensor:
        """Mean squared distance (n, x, y) of features (n, d, x, y) in slices z (n,) to the k nearest entries nearby.

        Infinite where fewer than k entries are near. Nearest entries are found by squared norms and products, up to
        the rounding of float32; their distances are those of the differences.
        """
        n, _, x, y = features.shape
        queries = self._blocked(features)
        here = self._blocked(_coordinates(x, y, features.device).expand(n, -1, -1, -1))
        rough, index = self._nearest(queries, here, z, k)
        total = torch.zeros(rough.shape[:2], device=features.device)
        for one in index.unbind(dim=2):
            entries = self.entries.index_select(0, one.flatten()).view(queries.shape)
            total += (queries - entries).square().sum(dim=2)
        total = torch.where(rough[..., -1].isinf(), float("inf"), total / k)
        return self._unblocked(total, n, x, y)

    def _nearest(
        self, queries: torch.Tensor, here: torch.Tensor, z: torch.Tensor, k: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared distances (blocks, positions, k), up to a number for each query, and indices of the entries."""
        rough = queries.new_full((*queries.shape[:2], k), float("inf"))
        index = torch.full(rough.shape, len(self.entries) - 1, device=queries.device)
        centred = queries - self.mean
        for near in self._neighbours(z):
            entries, places = (
                one.index_select(0, near.flatten()).view(*near.shape, -1)
                for one in (self.centred, self.places)
            )
            # without the norms of the queries, which change no order
            norms = self.norms.index_select(0, near.flatten()).view(len(near), 1, -1)
            found = torch.baddbmm(norms, centred, entries.transpose(1, 2), alpha=-2)
            found.masked_fill_(_farther(here, places, self.radius), float("inf"))
            rough, index = _lowest(rough, index, found, near, k)
        return rough, index

    def _neighbours(self, z: torch.Tensor) -> Iterator[torch.Tensor]:
        """Indices (blocks, m) of the entries in and around each active block of slices z, per neighbouring slice."""
        x, y = (count - 2 for count in self.blocks)
        steps = range(1 - self.reach, 2 + self.reach)
        for dz in range(2 * self.slices + 1):
            layer = self.table.index_select(0, z + dz)
            around = [layer[:, dx : dx + x, dy : dy + y] for dx in steps for dy in steps]
            blocks = torch.cat(around, dim=3).flatten(1, 2)
            yield blocks.index_select(1, self.active).flatten(0, 1)

    def _blocked(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (n, d, x, y) -> (n active blocks, positions of a block, d)."""
        side, (x, y) = self.side, maps.shape[-2:]
        padded = functional.pad(maps, (0, -y % side, 0, -x % side))
        n, d, wide, high = padded.shape
        parts = padded.view(n, d, wide // side, side, high // side, side).permute(0, 2, 4, 3, 5, 1)
        parts = parts.reshape(n, -1, side * side, d).index_select(1, self.active)
        return parts.flatten(0, 1)

    def _unblocked(self, values: torch.Tensor, n: int, x: int, y: int) -> torch.Tensor:
        """Values (n active blocks, positions of a block) -> (n, x, y), infinite in the other blocks."""
        side, wide, high = self.side, -(-x // self.side), -(-y // self.side)
        parts = values.new_full((n, wide * high, side * side), float("inf"))
        parts.index_copy_(1, self.active, values.view(n, -1, side * side))
        parts = parts.view(n, wide, high, side, side).permute(0, 1, 3, 2, 4)
        return parts.reshape(n, wide * side, high * side)[:, :x, :y]


def _lowest(
    rough: torch.Tensor, index: torch.Tensor, found: torch.Tensor, near: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The k lowest of known and new distances, with their indices; one alone is found without sorting."""
    if k == 1:
        lowest, at = found.min(dim=2, keepdim=True)
        which = near.gather(1, at[..., 0])[..., None]
        return torch.minimum(rough, lowest), torch.where(lowest < rough, which, index)
    both = torch.cat([rough, found], dim=2)
    which = torch.cat([index, near[:, None].expand(-1, found.shape[1], -1)], dim=2)
    rough, kept = both.topk(k, dim=2, largest=False)
    return rough, which.gather(2, kept)


def _coordinates(x: int, y: int, device: torch.device) -> torch.Tensor:
    """The coordinates of positions, (1, 2, x, y)."""
    axes = torch.arange(x, device=device).float(), torch.arange(y, device=device).float()
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]


def _farther(one: torch.Tensor, other: torch.Tensor, radius: float) -> torch.Tensor:
    """Whether places (b, i, 2) and (b, j, 2), whole numbers, are farther apart than the radius, (b, i, j)."""
    squared = [places.square().sum(dim=2) for places in (one, other)]
    rest = torch.baddbmm(squared[1][:, None], one, other.transpose(1, 2), alpha=-2)  # exact in float32
    return rest > (radius**2 + 1e-4 - squared[0])[..., None]


def _with_last(values: torch.Tensor, last: float) -> torch.Tensor:
    """Values (m, ...) with one more entry, for positions of the table without an entry."""
    return torch.cat([values, values.new_full((1, *values.shape[1:]), last)])
