"""Mean score map of healthy scans, to be subtracted from a scan's score map.

Some locations are difficult in every brain (mirror-symmetric regions, the interior of white matter). The
predicted variance should represent this, but is itself a prediction of the network.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from uad_bench import Scan
from uad_bench.types import FloatArray

BLUR = 3.0  # pixels: brains on one grid are aligned only by their centre


def mean_score_map(scans: Sequence[Scan], count: int, score: Callable[[Scan], FloatArray]) -> FloatArray:
    """Mean score (X, Y, Z) at every voxel over `count` scans, equally spaced in `scans`.

    Averaged over the brains that contain a voxel and over its neighbourhood in the slice, with a Gaussian of
    3 pixels; 0 where there is no brain.
    """
    chosen = np.unique(np.linspace(0, len(scans) - 1, min(count, len(scans))).round().astype(int))
    total = weight = np.zeros(scans[0].shape)
    for index in chosen:
        scan = scans[int(index)]
        total = total + score(scan) * scan.brain_mask
        weight = weight + scan.brain_mask
    sigmas = (BLUR, BLUR, 0)
    total, weight = (ndimage.gaussian_filter(one, sigmas) for one in (total, weight))
    mean = np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), 0.0)
    return np.asarray(mean, np.float32)
