"""95 % intervals of a mean over seeds and patients, which both are samples: other ones would give other numbers.

The model is the two-way layout y = mean + seed + patient + interaction. Its three variances are estimated without
bias (analysis of variance; for a pooled metric from its bootstrap draws), as a plain bootstrap is too narrow for the
three to five seeds of this field: it divides by n, and knows no t. docs/statistics.md has the simulated coverage.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from uad_bench.evaluate.curves.bootstrap import resamples

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Between patients' and seeds' t quantile goes the share of the seeds' variance to this power. Satterthwaite's
#: degrees of freedom cover too little with three seeds (92 %), the plain share (Cochran and Cox) too much (97.3 %).
POWER = 1.5


class Parts(NamedTuple):
    """Estimated variances of a mean, arrays of one shape, an entry for each mean.

    patients: by the choice of patients, and seeds: by that of seeds; each has the interaction of the two in it, which
    is `both`. n, df: numbers of patients, degrees of freedom of `seeds` (1 where there is one seed: then it is 0).
    """

    patients: Floats
    seeds: Floats
    both: Floats
    n: Floats
    df: Floats


def of_cases(values: Floats, known: Bools) -> Parts:
    """Parts of the mean of values (..., seeds, patients) over those patients that are `known` (..., patients)."""
    s, n = values.shape[-2], np.asarray(known.sum(-1), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(known[..., None, :], values, 0.0)
        of_seed, of_patient = x.sum(-1) / n[..., None], x.mean(-2)
        mean = of_seed.mean(-1)
        patients = (np.where(known, of_patient - mean[..., None], 0) ** 2).sum(-1) / (n - 1) / n
        if s == 1:
            return _one_seed(patients, n)
        left = x - of_seed[..., None] - of_patient[..., None, :] + mean[..., None, None]
        squares = (np.where(known[..., None, :], left, 0) ** 2).sum((-1, -2))
        both = squares / ((s - 1) * (n - 1)) / (s * n)
    return Parts(patients, of_seed.var(-1, ddof=1) / s, both, n, np.full(n.shape, s - 1.0))


def of_draws(values: Floats, draws: Floats, n: Floats) -> Parts:
    """The same for a pooled metric: values (..., seeds), under patient resamples (..., seeds, B), n patients (...).

    For a metric that is a mean over patients this agrees with `of_cases` as B grows. A resample in which the metric
    is not defined (NaN) is passed over.
    """
    s, mean, var = values.shape[-1], draws.mean(-2), np.var
    if np.isnan(mean).any():
        var, draws = np.nanvar, np.where(np.isnan(mean)[..., None, :], np.nan, draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The bootstrap's variance has n below the line, not n - 1.
        patients = var(mean, axis=-1, ddof=1) * n / (n - 1)
        if s == 1:
            return _one_seed(patients, n)
        # The variances of the seeds' deviations from their mean, summed, without an array of deviations.
        left = var(draws, axis=-1, ddof=1).sum(-1) * n / (n - 1) - s * patients
        both = left / (s - 1) / s
    return Parts(patients, values.var(-1, ddof=1) / s, both, n, np.full(n.shape, s - 1.0))


def _one_seed(patients: Floats, n: Floats) -> Parts:
    return Parts(patients, np.zeros(n.shape), np.zeros(n.shape), n, np.ones(n.shape))


def of_difference(patients: Floats, n: Floats, one: Parts, other: Parts) -> Parts:
    """Parts of a paired difference: `patients` is its variance over patients with the seeds averaged.

    The seeds of two rows have nothing to do with each other, so theirs add up, with Satterthwaite's degrees.
    """
    seeds = one.seeds + other.seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        df = seeds**2 / (one.seeds**2 / one.df + other.seeds**2 / other.df)
    return Parts(patients, seeds, one.both + other.both, n, np.where(seeds > 0, df, 1.0))


def half_width(parts: Parts, alpha: float = 0.05) -> Floats:
    """Half the length of the interval around the mean; NaN with fewer than two patients."""
    seeds = np.maximum(parts.seeds - parts.both, 0)
    total = parts.patients + seeds
    share = np.divide(seeds, total, out=np.zeros_like(total), where=total > 0)
    with np.errstate(invalid="ignore"):
        of_patients = stdtrit(parts.n - 1, 1 - alpha / 2)
        of_seeds = stdtrit(parts.df, 1 - alpha / 2)
        quantile = of_patients + (of_seeds - of_patients) * share**POWER
        return np.asarray(np.where(parts.n > 1, quantile * np.sqrt(total), np.nan))


def stacks(values: Sequence[Floats]) -> Iterator[tuple[list[int], Floats]]:
    """Arrays of equal shape as one, with their places in `values`: rows may have other numbers of seeds."""
    shapes = [one.shape for one in values]
    for shape in sorted(set(shapes)):
        places = [i for i, found in enumerate(shapes) if found == shape]
        yield places, np.stack([values[i] for i in places])


def patient_draws(values: Floats, draws: int) -> Floats:
    """Means of values (..., patients) under the patient resamples, (..., draws); undefined ones (NaN) are left out."""
    counts, known = resamples(values.shape[-1], draws).T.astype(np.float64), ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = known.astype(np.float64) @ counts
        return np.asarray((np.where(known, values, 0.0) @ counts) / total)


def two_way(draws: Floats, seed: int) -> Floats:
    """The plain two-way bootstrap (Owen 2007): seeds are resampled too, on top of draws (seeds, B); (B,).

    The reference that the closed form of `of_cases` is tested against; not printed, as it is too narrow.
    """
    s, b = draws.shape
    rng = np.random.Generator(np.random.PCG64([seed, s]))
    taken = rng.multinomial(s, np.full(s, 1 / s), size=b)
    return np.asarray((taken * draws.T).sum(1) / s)
