"""Confidence intervals and tests of a mean over seeds and patients: variance components with a t quantile.

A percentile bootstrap is too narrow for the three to five seeds that are usual in this field: it divides by n, not
n - 1, and uses no t quantile. docs/statistics.md has the simulated coverage of both.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, stdtr, stdtrit

from uad_bench.leaderboard.statistics.ranking import DIGITS
from uad_bench.leaderboard.statistics.variance_components import Floats, VarianceComponents

#: The quantile lies between the patients' and the seeds' t quantile, at the seeds' share of the variance to this power.
#: With three seeds Satterthwaite's degrees of freedom give less coverage, the plain share (Cochran and Cox) more
#: (`benchmarks/coverage.py`).
POWER = 1.5
#: The same power in tests of many pairs, whose small p values lie far in the tails; `benchmarks/inference.py` has the
#: share of tables of equal methods with a false claim.
TEST_POWER = 0.5
#: Means closer than this to 0 or 1 have no interval on the logit scale.
EDGE = 1e-9


def t_interval_half_width(components: VarianceComponents, alpha: float = 0.05) -> Floats:
    """Half the width of the (1 - alpha) confidence interval around a mean; NaN with fewer than two patients.

    Variance of the mean: V = patients + max(seeds - interaction, 0). Half width: sqrt(V) * q with the quantile
    q = t(df_p) + (t(df) - t(df_p)) * r**1.5, where r is the share of the seeds in V and df_p the degrees of freedom of
    the patients. Where only seeds vary (r = 1) and are normal, the interval is exact; where only patients vary (r = 0)
    it is the t interval, wider for samples with a positive excess kurtosis, from which df_p is smaller than n - 1.

    >>> from uad_bench.leaderboard.statistics.variance_components import components_from_cases
    >>> values = np.array([[0.2, 0.3, 0.4, 0.5]])  # one seed: the t interval over patients
    >>> f"{float(t_interval_half_width(components_from_cases(values, np.ones(4, bool)))):.3f}"
    '0.205'
    """
    total, _ = components.variance
    with np.errstate(invalid="ignore"):
        quantile = Quantiles.of(components, alpha).at(POWER)
        return np.asarray(np.where(components.n > 1, quantile * np.sqrt(total), np.nan))


class Quantiles(NamedTuple):
    """The t quantiles of patients and seeds, and the share of the seeds in the variance."""

    patients: Floats
    seeds: Floats
    share: Floats

    @classmethod
    def of(cls, components: VarianceComponents, alpha: float) -> "Quantiles":
        """The quantiles of a (1 - alpha) interval."""
        with np.errstate(invalid="ignore"):
            patients = stdtrit(components.patients_df, 1 - alpha / 2)
            return cls(patients, stdtrit(components.df, 1 - alpha / 2), components.variance[1])

    def at(self, power: float) -> Floats:
        """The quantile between both, at the share of the seeds to this power."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.patients + (self.seeds - self.patients) * self.share**power)


def within_edges(mean: Floats) -> Floats:
    """Whether a mean is far enough from 0 and 1 for an interval on the logit scale."""
    return np.asarray((mean > EDGE) & (mean < 1 - EDGE))


def logit_interval(mean: Floats, half: Floats) -> tuple[Floats, Floats]:
    """The ends of an interval of a mean in (0, 1), symmetric on the logit scale, by the delta method.

    The mean of a skewed metric, such as an average precision that is near 0 in most patients, is more often too low
    than too high; the interval reaches farther to the side of 1/2. Means of 0 and 1 keep the symmetric interval,
    clipped to [0, 1].

    >>> low, high = logit_interval(np.array([0.1, 0.0]), np.array([0.05, 0.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.06, 0.0], [0.162, 0.0])
    """
    inner = within_edges(mean)
    safe = np.where(inner, mean, 0.5)
    width = half / (safe * (1 - safe))
    low = np.where(inner, expit(logit(safe) - width), np.clip(mean - half, 0, 1))
    high = np.where(inner, expit(logit(safe) + width), np.clip(mean + half, 0, 1))
    return np.asarray(low), np.asarray(high)


def degrees_of_freedom(components: VarianceComponents, alpha: float = 0.05) -> Floats:
    """Degrees of freedom of a test: those of the t distribution that has the quantile of the interval at `TEST_POWER`.

    >>> from uad_bench.leaderboard.statistics.variance_components import components_from_cases
    >>> values = np.array([[0.2, 0.3, 0.4, 0.5]])
    >>> degrees_of_freedom(components_from_cases(values, np.ones(4, bool))).round(3).tolist()
    3.0
    """
    return df_of(Quantiles.of(components, alpha), alpha)


def df_of(found: Quantiles, alpha: float) -> Floats:
    """`degrees_of_freedom` from quantiles that are known."""
    quantiles, inverse = _quantile_table(alpha)
    return np.asarray(1 / np.interp(found.at(TEST_POWER), quantiles, inverse))


@cache
def _quantile_table(alpha: float) -> tuple[Floats, Floats]:
    """t quantiles, ascending, and the inverse of their degrees of freedom."""
    inverse = np.linspace(1e-6, 1.5, 30_001)
    return np.asarray(stdtrit(1 / inverse, 1 - alpha / 2)), inverse


def t_test(difference: Floats, components: VarianceComponents, df: Floats) -> Floats:
    """Two-sided p value of a mean difference, seeds and patients both treated as random; NaN below two patients.

    df: from `degrees_of_freedom`.

    >>> from uad_bench.leaderboard.statistics.variance_components import components_from_cases
    >>> d = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])
    >>> parts = components_from_cases(d, np.ones(5, bool))
    >>> f"{float(t_test(d.mean(), parts, degrees_of_freedom(parts))):.4f}"  # the paired t test
    '0.0132'
    """
    return np.asarray(2 * stdtr(df, -_standardised(np.abs(difference), components)))


def equivalence_test(difference: Floats, components: VarianceComponents, df: Floats, delta: float) -> Floats:
    """p value of two one-sided tests (TOST, Schuirmann 1987) that the difference lies within ± delta.

    >>> from uad_bench.leaderboard.statistics.variance_components import components_from_cases
    >>> d = np.array([[-0.01, 0.0, 0.01, 0.0]])
    >>> parts = components_from_cases(d, np.ones(4, bool))
    >>> f"{float(equivalence_test(d.mean(), parts, degrees_of_freedom(parts), 0.02)):.4f}"
    '0.0081'
    """
    return np.asarray(stdtr(df, -_standardised(delta - np.abs(difference), components)))


def _standardised(distance: Floats, components: VarianceComponents) -> Floats:
    """The distance over its standard error; 0 or infinity without variance, NaN below two patients."""
    total, _ = components.variance
    error = np.sqrt(total)
    distance = np.where(np.abs(distance) < 10.0**-DIGITS, 0.0, distance)  # equal, as in ranks
    # Rounding errors of equal differences are no variance.
    error = np.where(error <= 1e-12 * np.abs(distance), 0, error)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(error > 0, distance / error, np.where(distance == 0, 0, np.inf * np.sign(distance)))
    return np.asarray(np.where(components.n > 1, t, np.nan))
