"""A method that scores a whole test set at once, and one that claims to know image-level labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from uad_bench import Context, Method, Scan


@dataclass
class SetMean(Method):
    """Absolute difference from the mean scan of the test set."""

    track = "transductive"
    deterministic = True

    def score_set(self, scans: Sequence[Scan], ctx: Context) -> Iterator[np.ndarray]:
        """One pass for the mean, in the order of the case ids, since sums depend on their order; one for the maps."""
        order = sorted(range(len(scans)), key=lambda index: scans[index].case_id)
        mean = np.zeros(scans[0].image.shape)
        for count, index in enumerate(order, start=1):
            mean += (scans[index].image - mean) / count
        for scan in scans:
            yield np.abs(scan.image - mean).mean(axis=0)


@dataclass
class LabelEdge(Method):
    """Gradient magnitude along x, as if x had been chosen by image-level labels of other data."""

    track = "weak"
    deterministic = True

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        """The map (X, Y, Z)."""
        return np.abs(np.gradient(scan.image, axis=1)).mean(axis=0)
