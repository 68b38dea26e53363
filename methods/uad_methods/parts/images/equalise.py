"""Histogram equalisation inside the brain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from uad_bench import Scan
from uad_bench.types import FloatArray


def equalised(values: FloatArray) -> FloatArray:
    """The share of `values` (n,) that are not larger: equalisation with a bin for every value, in (0, 1]."""
    ranks = rankdata(values, method="max")  # equal voxels share the highest rank: the empirical CDF
    return np.asarray(ranks / values.size, np.float32)


def equalised_scan(scan: Scan) -> Scan:
    """The scan with every channel equalised inside the brain, 0 outside."""
    image = np.zeros_like(scan.image)
    if scan.brain_mask.any():
        for channel, out in zip(scan.image, image, strict=True):
            out[scan.brain_mask] = equalised(channel[scan.brain_mask])
    return replace(scan, image=image)


class EqualisedScans(Sequence[Scan]):
    """Scans that are equalised when they are asked for, so that no second copy of a cohort is held."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self._scans = scans

    def __len__(self) -> int:
        return len(self._scans)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> a sequence of them
        found = self._scans[index]
        return equalised_scan(found) if isinstance(found, Scan) else EqualisedScans(found)
