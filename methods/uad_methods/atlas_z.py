"""Atlas-z: voxel-wise distance from the mean of the healthy training scans, a control without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uad_bench import Component, Context, Method, Resources, Scan
from uad_bench.errors import DataError
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import by_modality


@dataclass
class AtlasZ(Method):
    """Control without a network: voxel-wise z-score relative to the healthy training scans.

    Anomaly map: the mean over modalities of |x - mean| / (sd + floor), with mean and sample standard
    deviation (ddof = 1) of the training scans in the same voxel. Background counts with its value 0, so sd is
    large, and the score small, where only some training brains extend.

    Hyper-parameters:
        floor: added to sd, as a fraction of its mean over the brain. It keeps voxels in which few training
            scans agree by chance from dominating, and is independent of the intensity scale.
    """

    floor: float = 0.1

    null: ClassVar[bool] = True
    resources: ClassVar[Resources] = Resources(gpu=False, hours=1)
    deterministic: ClassVar[bool] = True

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Compute `mean_` and `scale_`, float32 (C, X, Y, Z). Raises DataError for fewer than two scans."""
        if len(train) < 2:
            raise DataError(f"{len(train)} training scan(s)", hint="a standard deviation needs two or more")
        mean, variance, brain = _moments(train)
        sd = np.sqrt(variance)
        floor = self.floor * sd[:, brain].mean(axis=1)
        self.mean_: FloatArray = mean.astype(np.float32)
        self.scale_: FloatArray = np.where(brain, sd + floor[:, None, None, None], 0).astype(np.float32)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Distance (X, Y, Z), at least 0, higher = more anomalous.

        0 outside the brain mask and where no training scan has brain.
        """
        difference = np.abs(scan.image - self.mean_)
        distance = np.divide(difference, self.scale_, out=np.zeros_like(difference), where=self.scale_ > 0)
        return np.where(scan.brain_mask, distance.mean(axis=0), np.float32(0))

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Per modality: absolute difference from the healthy mean, the scale that divides it, and the healthy mean."""
        return {
            **by_modality("distance", scan, np.abs(scan.image - self.mean_)),
            **by_modality("healthy deviation", scan, self.scale_),
            **by_modality("healthy mean", scan, self.mean_, "intensity"),
        }


def _moments(scans: Sequence[Scan]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and sample variance, both float64 (C, X, Y, Z), and the union of the brain masks (X, Y, Z).

    Welford's recurrence: one scan in memory at a time, without the cancellation of sums of squares.
    """
    mean = np.zeros(scans[0].image.shape)
    squares, brain = np.zeros_like(mean), np.zeros(scans[0].shape, bool)
    for count, scan in enumerate(scans, start=1):
        difference = scan.image - mean
        mean += difference / count
        squares += difference * (scan.image - mean)
        brain |= scan.brain_mask
    return mean, squares / (len(scans) - 1), brain
