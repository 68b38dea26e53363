"""Gradient magnitude as an anomaly score: where the intensity changes fast."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from uad_bench import Context, Method, Scan


@dataclass
class Edge(Method):
    """Gradient magnitude, averaged over modalities.

    sigma: of the Gaussian derivative, in mm.
    """

    sigma: float = 4.0

    deterministic = True

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        """The map (X, Y, Z), intensity per mm."""
        sigma = [self.sigma / size for size in scan.spacing]
        edges = [ndimage.gaussian_gradient_magnitude(channel, sigma) for channel in scan.image]
        return np.mean(edges, axis=0)
