"""What is usual at a place: the mean score map of healthy scans, to be taken off a scan's own.

Some places are hard in every brain (the mirror of another, the middle of white matter). The network's own variance
should say so, but what it says is the same kind of guess as the place.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from uad_bench import Scan
from uad_bench.types import FloatArray

BLUR = 3.0  # pixels: brains of one grid are aligned by their centre alone


def mean_score_map(scans: Sequence[Scan], count: int, score: Callable[[Scan], FloatArray]) -> FloatArray:
    """Mean score (X, Y, Z) at every place of `count` scans, spread evenly through `scans`.

    Averaged over the brains that reach a place and over its surroundings in the slice, by a Gaussian of 3 pixels.
    Where no brain ever was, 0.
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
