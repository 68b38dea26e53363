"""Connected components of a bool volume, by the runs of its rows: the cost follows the mask, not the grid.

Two voxels belong together where they touch by a face, an edge or a corner (26 neighbours), as in
BraTS, patched diffusion (Behrendt et al. 2023) and most lesion counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from uad_bench.types import BoolArray

Indices = npt.NDArray[np.int64]

#: Half of the eight rows around a row, as steps in (x, y): the other half looks back.
_ROWS_AHEAD = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, eq=False)
class Components:
    """The components of a mask of `shape` (X, Y, Z), numbered from 0 in the order of their first voxels.

    index: flat places (C order) of the mask's voxels, sorted, (N,); label: the component of each, (N,); n: how
    many components there are. Build one with `of`.
    """

    shape: tuple[int, ...]
    index: Indices
    label: Indices
    n: int

    @classmethod
    def of(cls, mask: BoolArray) -> "Components":
        """The components of a mask, bool (X, Y, Z)."""
        index = np.flatnonzero(mask)
        if not index.size:
            return cls(mask.shape, index, index, 0)
        starts = np.flatnonzero(np.diff(index, prepend=-2) != 1)
        starts = np.union1d(starts, np.flatnonzero(index % mask.shape[2] == 0))
        lengths = np.diff(starts, append=index.size)
        n, of_run = _joined(index[starts], lengths, mask.shape)
        return cls(mask.shape, index, np.repeat(of_run, lengths), n)

    @cached_property
    def sizes(self) -> Indices:
        """Voxels of each component, (n,)."""
        return np.bincount(self.label, minlength=self.n)

    @cached_property
    def places(self) -> Indices:
        """Grid coordinates (x, y, z) of every voxel, (N, 3)."""
        return np.stack(np.unravel_index(self.index, self.shape), axis=1)

    def at(self, index: Indices) -> Indices:
        """The component at each of some flat places, -1 where there is none."""
        if not self.index.size:
            return np.full(index.shape, -1)
        place = np.minimum(np.searchsorted(self.index, index), self.index.size - 1)
        return np.where(self.index[place] == index, self.label[place], -1)


def drop_small(mask: BoolArray, voxels: int) -> BoolArray:
    """The mask without its components of at most `voxels` voxels."""
    found = Components.of(mask)
    kept = np.zeros(mask.shape, bool)
    kept.ravel()[found.index] = (found.sizes > voxels)[found.label]
    return kept


def edge(mask: BoolArray) -> BoolArray:
    """Voxels of a mask (X, Y, Z) with a face to the outside; beyond the grid counts as outside."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        here, before = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] &= before[:-1]
        here[:-1] &= before[1:]
        here[0] = here[-1] = False
    return mask & ~inner


def _joined(starts: Indices, lengths: Indices, shape: tuple[int, ...]) -> tuple[int, Indices]:
    """How many components there are, and the one of each run, which starts at a flat place."""
    pairs = list(_touching(starts, starts + lengths - 1, shape))
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(starts.size, starts.size))
    n, label = connected_components(graph, directed=False)
    return int(n), label.astype(np.int64)


def _touching(starts: Indices, ends: Indices, shape: tuple[int, ...]) -> Iterator[tuple[Indices, Indices]]:
    """Pairs of runs of neighbouring rows that touch: for each direction, the numbers of both."""
    x_size, y_size, z_size = shape
    row, low = np.divmod(starts, z_size)
    x, y = np.divmod(row, y_size)
    low, high = np.maximum(low - 1, 0), np.minimum(ends % z_size + 1, z_size - 1)
    for dx, dy in _ROWS_AHEAD:
        ahead = (row + dx * y_size + dy) * z_size
        first = np.searchsorted(ends, ahead + low, side="left")
        last = np.searchsorted(starts, ahead + high, side="right")
        inside = (x + dx < x_size) & (y + dy >= 0) & (y + dy < y_size)
        count = np.where(inside, last - first, 0)
        # `first`, `first` + 1, ... of every run, one after the other.
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        yield np.repeat(np.arange(starts.size), count), np.repeat(first, count) + offset
