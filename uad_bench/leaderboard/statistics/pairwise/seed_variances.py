"""Variances over seeds, moderated across the rows of a table.

A variance of three seeds has two degrees of freedom. Some of many such variances are far too small by chance, and their
rows would seem to differ from all others. As in the analysis of gene expression (Smyth 2004), the variances of the rows
are taken as draws from a scaled inverse chi-square distribution, which is estimated from all of them: a small variance
is raised towards the common value, the farther the less the rows differ. A large variance is not lowered, since rows
may truly differ, and rows without variation over seeds stay as they are.
"""

import numpy as np
from scipy.special import digamma, polygamma

from uad_bench.leaderboard.statistics.variance_components import TINY, Floats, VarianceComponents

#: With fewer rows, how variances differ between rows cannot be estimated.
SMALLEST = 3


def moderated(parts: VarianceComponents) -> VarianceComponents:
    """The variance components of k rows with moderated variances over seeds, and their degrees of freedom.

    >>> rows = np.array([0.5, 1.0, 1.5, 2.0])
    >>> parts = VarianceComponents(rows, rows, 0 * rows, 0 * rows + 30, 0 * rows + 2)
    >>> found = moderated(parts)  # the four variances do not differ more than by chance
    >>> found.seeds.round(2).tolist(), found.df.round(1).tolist()
    ([1.25, 1.25, 1.5, 2.0], [4.9, 4.9, 4.9, 4.9])
    """
    varying = parts.seeds > TINY
    if np.count_nonzero(varying) < SMALLEST:
        return parts
    df, seeds, total = parts.df[varying], parts.seeds.copy(), parts.df.copy()
    replicates = df + 1
    variance = parts.seeds[varying] * replicates
    prior, common = _prior(variance, df)
    share = df / (df + prior)
    seeds[varying] = np.maximum(variance, share * variance + (1 - share) * common) / replicates
    # The prior is itself estimated, from the logarithms of the variances: each contributes 2 / trigamma degrees of
    # freedom.
    known = (2 / polygamma(1, df / 2)).sum()
    total[varying] = np.maximum(np.minimum(df + prior, known), df)
    return parts._replace(seeds=seeds, df=total)


def _prior(variance: Floats, df: Floats) -> tuple[float, float]:
    """Degrees of freedom and value of the common variance, from the mean and the spread of the log variances."""
    logs = np.log(variance) - digamma(df / 2) + np.log(df / 2)
    spread = float(logs.var(ddof=1) - polygamma(1, df / 2).mean())
    if spread <= 0:
        return np.inf, float(np.average(variance, weights=df))
    prior = 2 * _inverse_trigamma(spread)
    return prior, float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value, by Newton's method on 1 / trigamma, which is nearly linear."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) <= 1e-10 * x:
            break
    return x
