"""2.5D: every slice with its neighbours above and below as further channels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from uad_bench import Scan


def with_neighbours(scan: Scan, neighbours: int) -> Scan:
    """The scan (C, X, Y, Z) with (2 · neighbours + 1) · C channels: all modalities of the lowest slice first.

    Slices beyond the volume are 0, as is what lies outside each slice's own brain. `modalities` stay: they name what
    was measured.
    """
    inside = scan.image * scan.brain_mask
    padded = np.pad(inside, [(0, 0)] * 3 + [(neighbours, neighbours)])
    depth = scan.shape[2]
    image = np.concatenate([padded[..., k : k + depth] for k in range(2 * neighbours + 1)])
    return replace(scan, image=image)


class ScansWithNeighbours(Sequence[Scan]):
    """Scans made thick when they are asked for."""

    def __init__(self, scans: Sequence[Scan], neighbours: int) -> None:
        self._scans, self._neighbours = scans, neighbours

    def __len__(self) -> int:
        return len(self._scans)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> Thick
        if isinstance(index, slice):
            return ScansWithNeighbours(self._scans[index], self._neighbours)
        return with_neighbours(self._scans[index], self._neighbours)
