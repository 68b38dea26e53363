"""Paired tests: two rows on the same patients, their seeds averaged first, so a difference has one value a patient.

They ask whether the difference would hold for other patients, given these trained seeds; the interval of a
`Contrast` asks about other seeds too. Differences are (rows, patients), NaN where a patient is not shared.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import stdtr

from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, Scheme
from uad_bench.leaderboard.statistics.intervals import Floats, half_width, of_cases, of_difference, stacks

Places = npt.NDArray[np.intp]

#: Sums that are equal but for the rounding of their terms count as equal: ties belong to both tails.
ROUNDING = 1e-12


def contrasts(
    values: Sequence[Floats], other: Floats, label: str, metric: str, scheme: Scheme = SCHEME
) -> list[Contrast]:
    """Each of some rows less `other`, whose name is `label`; all (seeds, patients), Holm's correction over them."""
    averaged = other.mean(0)
    differences = np.array([one.mean(0) - averaged for one in values])
    n = (~np.isnan(differences)).sum(1)
    means, half = _means(differences), _half_widths(values, other, differences, scheme.alpha)
    p, wilcoxon_p = sign_flip(differences, scheme), wilcoxon(differences)
    columns = np.column_stack([means, means - half, means + half, p, holm(p), wilcoxon_p])
    return [
        Contrast(label, metric, int(n[i]), *(None if np.isnan(x) else float(x) for x in row))
        for i, row in enumerate(columns)
    ]


def _means(differences: Floats) -> Floats:
    """Means over the shared patients; NaN with fewer than two."""
    known = ~np.isnan(differences)
    n = known.sum(1)
    return np.asarray(np.where(n > 1, np.where(known, differences, 0).sum(1) / np.maximum(n, 1), np.nan))


def _half_widths(values: Sequence[Floats], other: Floats, differences: Floats, alpha: float) -> Floats:
    """Half the 95 % intervals over seeds and patients, on the shared patients."""
    half = np.full(len(values), np.nan)
    for rows, stacked in stacks(values):
        d = differences[rows]
        known = ~np.isnan(d)
        patients = of_cases(d[:, None, :], known)
        theirs = of_cases(np.broadcast_to(other, (len(rows), *other.shape)), known)
        half[rows] = half_width(
            of_difference(patients.patients, patients.n, of_cases(stacked, known), theirs), alpha
        )
    return half


def sign_flip(differences: Floats, scheme: Scheme = SCHEME) -> Floats:
    """Two-sided p of the sign-flip permutation test of the mean; NaN with fewer than two patients.

    Exact up to `scheme.exact` patients, else from `scheme.flips` random flips (with one added to both counts, Phipson
    and Smyth 2010), the same for all rows. `scipy.stats.permutation_test` gives the same, but shuffles in Python.
    """
    return _by_patients(differences, lambda d: _sign_flip(d, scheme))


def _sign_flip(d: Floats, scheme: Scheme) -> Floats:
    n, exact = d.shape[1], d.shape[1] <= scheme.exact
    signs = _all_signs(n) if exact else _random_signs(n, scheme.flips, scheme.seed)
    bar = np.abs(d.sum(1)) - ROUNDING * np.abs(d).sum(1)
    as_far = (np.abs(signs @ d.T) >= bar).sum(0)
    return np.asarray(as_far / len(signs) if exact else (as_far + 1) / (len(signs) + 1), np.float64)


@lru_cache(maxsize=4)
def _all_signs(n: int) -> Floats:
    """Every choice of signs but for the first, whose flip mirrors all sums: (2**(n - 1), n)."""
    bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    return np.asarray(1.0 - 2.0 * bits, np.float64)


@lru_cache(maxsize=2)
def _random_signs(n: int, flips: int, seed: int) -> Floats:
    rng = np.random.Generator(np.random.PCG64([seed, n]))
    return np.asarray(1.0 - 2.0 * rng.integers(0, 2, (flips, n)), np.float64)


def wilcoxon(differences: Floats) -> Floats:
    """Two-sided p of Wilcoxon's signed-rank test: exact to 50 patients, the normal approximation past that or with
    ties or zeros; 1 where nothing differs, NaN with fewer than two patients."""
    return _by_patients(differences, _wilcoxon)


def _wilcoxon(d: Floats) -> Floats:
    size = np.sort(np.abs(d), axis=1)
    tied = (size[:, 0] == 0) | (np.diff(size, axis=1) == 0).any(1)
    p = np.ones(len(d))
    for rows, method in ((~tied, "auto"), (tied & (size[:, -1] > 0), "asymptotic")):
        if rows.any():
            p[rows] = stats.wilcoxon(d[rows], axis=1, method=method).pvalue
    return p


def t_test(differences: Floats) -> Floats:
    """Two-sided p of the paired t test, which the sign flips come to with many patients."""
    return _by_patients(differences, _t_test)


def _t_test(d: Floats) -> Floats:
    n, mean = d.shape[1], d.mean(1)
    error = d.std(1, ddof=1) / np.sqrt(n)
    error[error <= ROUNDING * np.abs(mean)] = 0  # the same difference in each patient
    t = np.divide(np.abs(mean), error, out=np.where(mean == 0, 0, np.inf), where=error > 0)
    return np.asarray(2 * stdtr(n - 1, -t))


def _by_patients(differences: Floats, test: Callable[[Floats], Floats]) -> Floats:
    """`test` on rows that share the same patients, without the others."""
    p = np.full(len(differences), np.nan)
    for rows, shared in _same_patients(differences):
        if len(shared) > 1:
            p[rows] = test(differences[np.ix_(rows, shared)])
    return p


def _same_patients(differences: Floats) -> Iterator[tuple[Places, Places]]:
    """Places of rows that share their patients, and places of these."""
    known = ~np.isnan(differences)
    if known.all():
        yield np.arange(known.shape[0]), np.arange(known.shape[1])
        return
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield np.flatnonzero(which.ravel() == i), np.flatnonzero(pattern)


def holm(p: Floats) -> Floats:
    """Holm's step-down correction of p values (m,); a NaN is no test and stays one."""
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(len(p), math.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected
