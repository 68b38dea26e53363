"""Thresh: the anomaly map is the intensity itself; nothing is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from uad_bench import Context, Method, Resources, Scan
from uad_bench.types import FloatArray
from uad_methods.parts.images.equalise import equalised

Mode = Literal["equalised", "raw", "zscore"]


@dataclass
class Thresh(Method):
    """Intensity as anomaly map (Meissen et al. 2022), the baseline of all trained methods.

    Bright voxels are anomalous, as lesions are in FLAIR; on T2, fluid is bright too. With several modalities
    the map is the mean of theirs.

    Variants: `raw`, the prepared intensity; `zscore`, its z-score in the scan. All three are monotonic in the
    intensity, so the ranking within one scan and modality is the same; only pooled metrics and common
    thresholds differ.

    Hyper-parameters:
        mode: "equalised" is the fraction of brain voxels that are not brighter (histogram equalisation with
            one bin per value); else the variant's name.
        invert: dark voxels are anomalous.
    """

    mode: Mode = "equalised"
    invert: bool = False

    paper: ClassVar[str] = "Meissen et al. 2022, arXiv 2109.06023"
    deterministic: ClassVar[bool] = True
    baseline: ClassVar[bool] = True
    resources: ClassVar[Resources] = Resources(gpu=False, hours=1)
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "raw": {"mode": "raw"},
        "zscore": {"mode": "zscore"},
    }

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Anomaly map (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        sign = np.float32(-1 if self.invert else 1)
        anomaly_map = np.zeros(scan.shape, np.float32)
        channels = [_scores(sign * channel[scan.brain_mask], self.mode) for channel in scan.image]
        anomaly_map[scan.brain_mask] = np.mean(channels, axis=0)
        return anomaly_map


def _scores(values: FloatArray, mode: Mode) -> FloatArray:
    """Scores of one modality's brain voxels (n,)."""
    if mode == "raw" or not values.size:
        return values
    if mode == "equalised":
        return equalised(values)
    sd = values.std(dtype=np.float64)
    return np.asarray((values - values.mean(dtype=np.float64)) / (sd or 1.0), np.float32)
