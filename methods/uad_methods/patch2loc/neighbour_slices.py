"""2.5D input: neighbouring slices as further channels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from uad_bench import Scan


def with_neighbours(scan: Scan, neighbours: int) -> Scan:
    """Scan with (2 neighbours + 1) C channels per slice: all modalities of the lowest slice first.

    Slices beyond the volume are 0, as is the background of each slice. `modalities` stay unchanged.
    """
    inside = scan.image * scan.brain_mask
    padded = np.pad(inside, [(0, 0)] * 3 + [(neighbours, neighbours)])
    depth = scan.shape[2]
    image = np.concatenate([padded[..., k : k + depth] for k in range(2 * neighbours + 1)])
    return replace(scan, image=image)


class ScansWithNeighbours(Sequence[Scan]):
    """Sequence of scans to which neighbouring slices are added on access."""

    def __init__(self, scans: Sequence[Scan], neighbours: int) -> None:
        self.unchanged, self._neighbours = scans, neighbours  # `SliceStack` counts slices by their masks

    def __len__(self) -> int:
        return len(self.unchanged)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> ScansWithNeighbours
        if isinstance(index, slice):
            return ScansWithNeighbours(self.unchanged[index], self._neighbours)
        return with_neighbours(self.unchanged[index], self._neighbours)
