"""Paired tests of two rows on the same subjects, values averaged over seeds first: one difference per subject.

The tests treat subjects as random and the trained models as given; `all_pairs` treats seeds as random as well, and only
its p values decide what a table calls different. All functions take differences (rows, subjects) without NaN and return
two-sided p values (rows,), NaN with fewer than two subjects.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from uad_bench.leaderboard.statistic_types import SCHEME, Scheme
from uad_bench.leaderboard.statistics.variance_components import Floats

Signs = npt.NDArray[np.int8]

#: Relative tolerance within which sums count as equal, so that ties belong to both tails.
ROUNDING = 1e-12
#: Sign vectors that are used at a time: the sums of 500 rows then stay in the processor's cache.
BLOCK = 256


def sign_flip_test(differences: Floats, scheme: Scheme = SCHEME) -> Floats:
    """Two-sided p values of the paired sign-flip permutation test of the mean difference.

    Exact (all 2**n sign flips) up to `scheme.exact` subjects. Otherwise `scheme.flips` random flips, the same for all
    rows, with p = (extreme + 1) / (flips + 1) (Phipson and Smyth 2010). Equivalent to `scipy.stats.permutation_test`
    with permutation_type "samples", without its Python loop.

    >>> sign_flip_test(np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])).tolist()  # 2 of 2**5 sign flips are as extreme
    [0.0625]
    """
    d, n = differences, differences.shape[1]
    if n < 2:
        return np.full(len(d), np.nan)
    exact = n <= scheme.exact
    signs = _all_signs(n) if exact else _random_signs(n, scheme.flips, scheme.seed)
    observed = np.abs(d.sum(1)) - ROUNDING * np.abs(d).sum(1)
    extreme = np.zeros(len(d), np.int64)
    for block in np.array_split(signs, -(-len(signs) // BLOCK)):
        sums = block.astype(np.float64) @ d.T
        found = (np.abs(sums, out=sums) >= observed).view(np.uint8)
        extreme += found.sum(0, dtype=np.uint16)  # at most BLOCK: cheaper than the 64 bits of `count_nonzero`
    return np.asarray(extreme / len(signs) if exact else (extreme + 1) / (len(signs) + 1), np.float64)


@lru_cache(maxsize=4)
def _all_signs(n: int) -> Signs:
    """All sign vectors with the last sign fixed, since flipping all signs mirrors the sum: (2**(n - 1), n)."""
    bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    return np.asarray(1 - 2 * bits, np.int8)


@lru_cache(maxsize=2)
def _random_signs(n: int, flips: int, seed: int) -> Signs:
    rng = np.random.Generator(np.random.PCG64([seed, n]))
    signs = rng.integers(0, 2, (flips, n), np.int8)
    signs *= -2  # in place: with 1,251 subjects a copy takes 250 MB
    signs += 1
    return signs


def wilcoxon_test(differences: Floats) -> Floats:
    """Two-sided p values of the Wilcoxon signed-rank test, 1 where no subject differs.

    Exact up to 50 subjects, normal approximation for more and for rows with ties or zeros (`scipy.stats.wilcoxon`).

    >>> wilcoxon_test(np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])).tolist()
    [0.0625]
    """
    d = differences
    if d.shape[1] < 2:
        return np.full(len(d), np.nan)
    size = np.sort(np.abs(d), axis=1)
    tied = (size[:, 0] == 0) | (np.diff(size, axis=1) == 0).any(1)
    p = np.ones(len(d))
    for rows, method in ((~tied, "auto"), (tied & (size[:, -1] > 0), "asymptotic")):
        if rows.any():
            p[rows] = stats.wilcoxon(d[rows], axis=1, method=method).pvalue
    return p
