"""Confidence intervals of a mean over seeds and patients: variance components with a t quantile.

A percentile bootstrap is too narrow for the three to five seeds that are usual in this field: it divides by n, not
n - 1, and uses no t quantile. docs/statistics.md has the simulated coverage of both.
"""

import numpy as np
from scipy.special import stdtrit

from uad_bench.leaderboard.statistics.variance_components import Floats, VarianceComponents

#: The quantile lies between the patients' and the seeds' t quantile, at the seeds' share of the variance to this power.
#: Satterthwaite's degrees of freedom give too little coverage with three seeds (92 %), the plain share (Cochran and
#: Cox) too much (97.3 %).
POWER = 1.5


def t_interval_half_width(components: VarianceComponents, alpha: float = 0.05) -> Floats:
    """Half the width of the (1 - alpha) confidence interval around a mean; NaN with fewer than two patients.

    Variance of the mean: V = patients + max(seeds - interaction, 0). Half width: sqrt(V) * q with the quantile
    q = t(n - 1) + (t(df) - t(n - 1)) * r**1.5, where r is the share of the seeds in V. Exact where only patients
    (r = 0) or only seeds (r = 1) vary.

    >>> from uad_bench.leaderboard.statistics.variance_components import components_from_cases
    >>> values = np.array([[0.2, 0.3, 0.4, 0.5]])  # one seed: the t interval over patients
    >>> f"{float(t_interval_half_width(components_from_cases(values, np.ones(4, bool)))):.3f}"
    '0.205'
    """
    seeds = np.maximum(components.seeds - components.interaction, 0)
    total = components.patients + seeds
    share = np.divide(seeds, total, out=np.zeros_like(total), where=total > 0)
    with np.errstate(invalid="ignore"):
        of_patients = stdtrit(components.n - 1, 1 - alpha / 2)
        of_seeds = stdtrit(components.df, 1 - alpha / 2)
        quantile = of_patients + (of_seeds - of_patients) * share**POWER
        return np.asarray(np.where(components.n > 1, quantile * np.sqrt(total), np.nan))
