"""Holm's correction for several tests."""

import math

import numpy as np

from uad_bench.leaderboard.statistics.variance_components import Floats


def holm_correction(p: Floats) -> Floats:
    """p values (m,) after Holm's step-down correction (Holm 1979); NaN is not counted as a test and stays NaN.

    >>> [round(p, 3) for p in holm_correction(np.array([0.01, 0.04, 0.03])).tolist()]
    [0.03, 0.06, 0.06]
    """
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(len(p), math.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected
