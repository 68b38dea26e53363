"""Thresh: the intensity is the anomaly score. No learning at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from uad_bench import Context, Method, Scan
from uad_bench.types import FloatArray
from uad_methods.parts.images.equalise import equalised

Mode = Literal["equalised", "raw", "zscore"]


@dataclass
class Thresh(Method):
    """Bright is anomalous, as in FLAIR; on T2 the fluid is bright too. The floor for every trained method.

    mode: "equalised" is the share of brain voxels that are not brighter (histogram equalisation with a bin
    for every value), "raw" the prepared intensity, "zscore" its distance from the scan's mean in deviations.
    All rise with the intensity, so within one scan the ranking is the same; only pooled numbers and common
    thresholds differ. invert: dark is anomalous. Several modalities: the mean of their scores.
    """

    mode: Mode = "equalised"
    invert: bool = False

    paper: ClassVar[str] = "Meissen et al. 2022, arXiv 2109.06023"
    deterministic: ClassVar[bool] = True
    baseline: ClassVar[bool] = True
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "raw": {"mode": "raw"},
        "zscore": {"mode": "zscore"},
    }

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The map (X, Y, Z), 0 outside the brain."""
        sign = np.float32(-1 if self.invert else 1)
        anomaly_map = np.zeros(scan.shape, np.float32)
        channels = [_scores(sign * channel[scan.brain_mask], self.mode) for channel in scan.image]
        anomaly_map[scan.brain_mask] = np.mean(channels, axis=0)
        return anomaly_map


def _scores(values: FloatArray, mode: Mode) -> FloatArray:
    """Scores of one channel's brain voxels (n,)."""
    if mode == "raw" or not values.size:
        return values
    if mode == "equalised":
        return equalised(values)
    sd = values.std(dtype=np.float64)
    return np.asarray((values - values.mean(dtype=np.float64)) / (sd or 1.0), np.float32)
