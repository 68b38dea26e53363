"""Connected components of a bool volume (X, Y, Z), with 26 neighbours: voxels that share a face, an edge or a corner.

BraTS, Behrendt et al. (2023) and most lesion counts use the same neighbourhood. The components are those of
`scipy.ndimage.label(mask, np.ones((3, 3, 3)))`, found from runs along z: the cost grows with the mask, not the grid.
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

#: Half of the eight neighbouring rows, as steps in (x, y); for the other half the pair is found from the other row.
_ROWS_AHEAD = ((0, 1), (1, -1), (1, 0), (1, 1))
#: A mask is small with at most one voxel in so many of the grid.
SMALL = 20


@dataclass(frozen=True, eq=False)
class Components:
    """The components of a mask of `shape` (X, Y, Z), numbered from 0 in the order of their first voxels (C order).

    index: flat indices of the mask's voxels, ascending, (N,). label: the component of each voxel, (N,). n: the number
    of components. Build one with `of`.

    >>> mask = np.zeros((1, 2, 5), bool)
    >>> mask[0, 0, 0] = mask[0, 1, 1] = mask[0, 0, 4] = True  # the first two share an edge
    >>> parts = Components.of(mask)
    >>> parts.n, parts.sizes
    (2, array([2, 1]))
    >>> parts.coordinates.tolist()
    [[0, 0, 0], [0, 0, 4], [0, 1, 1]]
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
        starts = np.flatnonzero((np.diff(index, prepend=-2) != 1) | (index % mask.shape[2] == 0))
        lengths = np.diff(starts, append=index.size)
        n, of_run = _joined(index[starts], lengths, mask.shape)
        return cls(mask.shape, index, np.repeat(of_run, lengths), n)

    @cached_property
    def sizes(self) -> Indices:
        """The number of voxels of each component, (n,)."""
        return np.bincount(self.label, minlength=self.n)

    @cached_property
    def coordinates(self) -> Indices:
        """Grid coordinates (x, y, z) of each voxel, (N, 3), in the order of `index`."""
        return np.stack(np.unravel_index(self.index, self.shape), axis=1)

    def at(self, index: Indices) -> Indices:
        """The component at each flat index, -1 outside the mask; of the shape of `index`."""
        if not self.index.size:
            return np.full(index.shape, -1)
        nearest = np.minimum(np.searchsorted(self.index, index), self.index.size - 1)
        return np.where(self.index[nearest] == index, self.label[nearest], -1)


def drop_small(mask: BoolArray, voxels: int) -> BoolArray:
    """The mask (X, Y, Z) without its components of at most `voxels` voxels.

    >>> drop_small(np.array([[[True, True, False, True]]]), voxels=1)
    array([[[ True,  True, False, False]]])
    """
    found = Components.of(mask)
    kept = np.zeros(mask.shape, bool)
    kept.ravel()[found.index] = (found.sizes > voxels)[found.label]
    return kept


def edge(mask: BoolArray) -> BoolArray:
    """The edge voxels of a mask (X, Y, Z): those with a face to a voxel outside the mask or to the end of the grid.

    >>> edge(np.ones((3, 3, 3), bool)).sum()  # all but the centre
    np.int64(26)
    """
    inner = mask.copy()
    for axis in range(mask.ndim):
        here, before = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] &= before[:-1]
        here[:-1] &= before[1:]
        here[0] = here[-1] = False
    return mask & ~inner


def edge_voxels(mask: BoolArray) -> Indices:
    """The flat indices of the edge voxels of a mask, ascending, (n,); where the mask is small, the cost grows with it.

    >>> edge_voxels(np.ones((1, 1, 3), bool))
    array([0, 1, 2])
    """
    index = np.flatnonzero(mask)
    if index.size > mask.size // SMALL:
        return np.flatnonzero(edge(mask))
    flat, inner, step = mask.ravel(), np.ones(index.size, bool), 1
    for size in reversed(mask.shape):
        place = index // step % size
        inner &= (place > 0) & (place < size - 1)
        for neighbour in (index - step, index + step):
            inner &= flat.take(neighbour, mode="clip")  # beyond the grid: at an end of the axis in any case
        step *= size
    return index[~inner]


def _joined(starts: Indices, lengths: Indices, shape: tuple[int, ...]) -> tuple[int, Indices]:
    """The number of components, and the component of each run (a run starts at a flat index)."""
    pairs = list(_touching(starts, starts + lengths - 1, shape))
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(starts.size, starts.size))
    n, label = connected_components(graph, directed=False)
    return int(n), label.astype(np.int64)


def _touching(starts: Indices, ends: Indices, shape: tuple[int, ...]) -> Iterator[tuple[Indices, Indices]]:
    """Pairs of touching runs in neighbouring rows: for each direction, the numbers of both."""
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
        # `first`, `first` + 1, ... for each run, in one array.
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        yield np.repeat(np.arange(starts.size), count), np.repeat(first, count) + offset
