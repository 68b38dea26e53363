"""Holm's correction, and the pairs of rows that differ significantly after it."""

import math

import numpy as np

from uad_bench.leaderboard.statistic_types import SCHEME, Scheme
from uad_bench.leaderboard.statistics.paired_tests import paired_t_test, sign_flip_test
from uad_bench.leaderboard.statistics.variance_components import Bools, Floats


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


def significant_pairs(values: Floats, scheme: Scheme = SCHEME) -> Bools:
    """Which pairs of rows differ significantly by a paired test with Holm's correction over all pairs; (k, k).

    values: (k, subjects), averaged over seeds. The sign-flip test is used; where its random flips cannot reach a p
    value that is small enough for the number of pairs (more than 32 rows), the paired t test; where even all flips
    cannot (few subjects), no pair is significant.

    >>> rng = np.random.default_rng(0)
    >>> significant_pairs(np.array([[0.0], [0.0], [1.0]]) + rng.normal(0, 0.1, (3, 12))).astype(int).tolist()
    [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    """
    k, n = values.shape
    different = np.zeros((k, k), bool)
    pairs, exact = k * (k - 1) // 2, n <= scheme.exact
    reachable = pairs * _smallest_p(n, scheme) <= scheme.alpha
    if pairs == 0 or (exact and not reachable):
        return different
    p = np.concatenate([_p_against_later_rows(values, i, scheme, flips=reachable) for i in range(k - 1)])
    above = np.triu_indices(k, 1)
    different[above] = holm_correction(p) <= scheme.alpha
    return np.asarray(different | different.T)


def _smallest_p(n: int, scheme: Scheme) -> float:
    """The smallest p value that the sign-flip test of n subjects can give."""
    return 2.0 ** (1 - n) if n <= scheme.exact else 1 / (scheme.flips + 1)


def _p_against_later_rows(values: Floats, i: int, scheme: Scheme, *, flips: bool) -> Floats:
    differences = values[i + 1 :] - values[i]
    return sign_flip_test(differences, scheme) if flips else paired_t_test(differences)
