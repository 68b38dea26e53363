"""Bootstrap over patients, and the two-way bootstrap over seeds and patients as a reference."""

import numpy as np

from uad_bench.evaluate.curves.bootstrap import resamples
from uad_bench.leaderboard.statistics.variance_components import Floats


def bootstrap_means(values: Floats, draws: int) -> Floats:
    """Means of values (..., patients) under resamples of the patients, (..., draws); NaN values are excluded.

    The resamples are the same for all methods and seeds, so that rows can be compared resample by resample.

    >>> bootstrap_means(np.full((2, 5), 0.5), draws=3).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    counts, known = resamples(values.shape[-1], draws).T.astype(np.float64), ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = known.astype(np.float64) @ counts
        return np.asarray((np.where(known, values, 0.0) @ counts) / total)


def two_way_bootstrap(draws: Floats, seed: int) -> Floats:
    """Two-way ("pigeonhole") bootstrap (Owen 2007): seeds are resampled on top of draws (seeds, B) over patients; (B,).

    Reference for the closed form in `intervals`; not used for results, since its intervals are too narrow.
    """
    s, b = draws.shape
    rng = np.random.Generator(np.random.PCG64([seed, s]))
    taken = rng.multinomial(s, np.full(s, 1 / s), size=b)
    return np.asarray((taken * draws.T).sum(1) / s)
