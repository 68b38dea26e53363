"""Histogram equalisation inside the brain mask."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from uad_bench import Scan
from uad_bench.types import FloatArray


def equalised(values: FloatArray) -> FloatArray:
    """Fraction of `values` (n,) that are not larger than each value, in (0, 1]: equalisation with one bin per value."""
    ranks = rankdata(values, method="max")  # ties get the highest rank: the empirical CDF
    return np.asarray(ranks / values.size, np.float32)


def equalised_scan(scan: Scan) -> Scan:
    """The scan with every modality equalised inside the brain mask, 0 outside."""
    image = np.zeros_like(scan.image)
    if scan.brain_mask.any():
        for channel, out in zip(scan.image, image, strict=True):
            out[scan.brain_mask] = equalised(channel[scan.brain_mask])
    return replace(scan, image=image)


class EqualisedScans(Sequence[Scan]):
    """Sequence of scans that are equalised on access, which avoids a second copy in memory."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self.unchanged = scans  # `SliceStack` counts slices by their masks

    def __len__(self) -> int:
        return len(self.unchanged)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> a sequence of them
        found = self.unchanged[index]
        return equalised_scan(found) if isinstance(found, Scan) else EqualisedScans(found)
