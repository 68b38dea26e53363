"""Distance from the healthy mean, voxel by voxel: the row that every trained network has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uad_bench import Component, Context, Method, Scan
from uad_bench.errors import DataError
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import by_modality


@dataclass
class AtlasZ(Method):
    """|x - mean| / (sd + floor), mean and sd of the healthy training scans in the same voxel.

    Several modalities: the mean of their distances. The background counts as the 0 that it is, so the sd is
    large, and the distance small, where some healthy brains end and others do not.

    floor: added to the sd, as a share of its mean over the brain: a scan's own noise must not look rare where
    a handful of healthy scans happen to agree, and a share serves every intensity scale.
    """

    floor: float = 0.1

    null: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Keep `mean_` and `scale_`, float32 (C, X, Y, Z). Raises DataError for fewer than two scans."""
        if len(train) < 2:
            raise DataError(f"{len(train)} training scan(s)", hint="a deviation needs two or more")
        mean, variance, brain = _moments(train)
        sd = np.sqrt(variance)
        floor = self.floor * sd[:, brain].mean(axis=1)
        self.mean_: FloatArray = mean.astype(np.float32)
        self.scale_: FloatArray = np.where(brain, sd + floor[:, None, None, None], 0).astype(np.float32)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The distance (X, Y, Z), at least 0; 0 where no training scan has brain: nothing is known there."""
        difference = np.abs(scan.image - self.mean_)
        distance = np.divide(difference, self.scale_, out=np.zeros_like(difference), where=self.scale_ > 0)
        return np.where(scan.brain_mask, distance.mean(axis=0), np.float32(0))

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Of each modality the distance from the healthy mean, the deviation it is counted in, and that mean."""
        return {
            **by_modality("distance", scan, np.abs(scan.image - self.mean_)),
            **by_modality("healthy deviation", scan, self.scale_),
            **by_modality("healthy mean", scan, self.mean_, "intensity"),
        }


def _moments(scans: Sequence[Scan]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and sample variance (C, X, Y, Z), and the union of the brains; one scan in memory at a time.

    Welford's recurrence in float64: sums of squares would cancel.
    """
    mean = np.zeros(scans[0].image.shape)
    squares, brain = np.zeros_like(mean), np.zeros(scans[0].shape, bool)
    for seen, scan in enumerate(scans, start=1):
        difference = scan.image - mean
        mean += difference / seen
        squares += difference * (scan.image - mean)
        brain |= scan.brain_mask
    return mean, squares / (len(scans) - 1), brain
