"""An anomaly detection method in one file: distance from the mean of the healthy training scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from uad_bench import Context, Method, Scan


@dataclass
class MeanDifference(Method):
    """|smoothed scan - mean of the smoothed healthy scans|, averaged over modalities.

    sigma: standard deviation of the Gaussian filter, mm.
    """

    sigma: float = 4.0

    deterministic = True

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Learn `mean_`, (C, X, Y, Z). What is learnt ends in `_` and is saved with the run."""
        self.mean_ = np.mean([self.smoothed(scan) for scan in train], axis=0)

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        """The anomaly map (X, Y, Z), higher = more anomalous."""
        return np.abs(self.smoothed(scan) - self.mean_).mean(axis=0)

    def smoothed(self, scan: Scan) -> np.ndarray:
        """The image (C, X, Y, Z) after the Gaussian filter."""
        sigma = [self.sigma / size for size in scan.spacing]
        return np.stack([ndimage.gaussian_filter(channel, sigma) for channel in scan.image])
