"""Variance components of a mean over seeds and patients, both treated as random.

Model: the two-way layout y = mean + seed + patient + interaction. The three variances are estimated without bias by the
analysis of variance, or, for a pooled metric, from its values under bootstrap resamples of the patients.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Variances below this are rounding errors.
TINY = 1e-30


class VarianceComponents(NamedTuple):
    """Estimated variances of a mean, arrays of one shape, one entry per mean.

    patients, seeds: variance of the mean due to the sample of patients and of seeds, each including the interaction,
    whose variance alone is `interaction`; n: number of patients; df: degrees of freedom of `seeds` (with one seed
    `seeds` is 0 and df is 1); df_patients: degrees of freedom of `patients`, n - 1 unless given.
    """

    patients: Floats
    seeds: Floats
    interaction: Floats
    n: Floats
    df: Floats
    df_patients: Floats | None = None

    @property
    def patients_df(self) -> Floats:
        """Degrees of freedom of the variance over patients."""
        return self.n - 1 if self.df_patients is None else self.df_patients

    @property
    def variance(self) -> tuple[Floats, Floats]:
        """The variance of the mean, and the share of the seeds in it: patients + max(seeds - interaction, 0)."""
        seeds = np.maximum(self.seeds - self.interaction, 0)
        total = self.patients + seeds
        return total, np.divide(seeds, total, out=np.zeros_like(total), where=total > 0)


def patients_df(deviations: Floats, n: Floats) -> Floats:
    """Degrees of freedom of the variance of patients with a heavy-tailed distribution; deviations (..., patients).

    A sample variance is less certain where the distribution has heavy tails: its relative variance is 2 / (n - 1) +
    kurtosis / n, with the excess kurtosis. The degrees of freedom of the chi-square distribution with this variance
    are (n - 1) / (1 + kurtosis / 2), close to it for any n. A negative excess kurtosis counts as 0.

    >>> patients_df(np.array([-1.0, 1.0, -1.0, 1.0]), np.array(4.0)).tolist()
    3.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.square(deviations)
        variance = square.sum(-1) / n
        # Deviations of equal patients are rounding errors, whose kurtosis means nothing.
        kurtosis = np.square(square).sum(-1) / n / variance**2 - 3
    kurtosis = np.where(np.isfinite(kurtosis) & (variance > TINY), np.maximum(kurtosis, 0), 0)
    return np.asarray((n - 1) / (1 + kurtosis / 2))


def components_from_cases(values: Floats, known: Bools) -> VarianceComponents:
    """Variance components of the mean of per-case values, by the two-way analysis of variance.

    values: (..., seeds, patients); known: (..., patients), the patients that are included.

    >>> values = np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
    >>> found = components_from_cases(values, np.ones(3, bool))
    >>> [f"{float(part):.4f}" for part in found[:3]]  # patients' sd 0.2, seeds' sd 0.07, no interaction
    ['0.0133', '0.0025', '0.0000']
    """
    s, n = values.shape[-2], np.asarray(known.sum(-1), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(known[..., None, :], values, 0.0)
        of_seed, of_patient = x.sum(-1) / n[..., None], x.mean(-2)
        mean = of_seed.mean(-1)
        deviations = np.where(known, of_patient - mean[..., None], 0)
        patients, df_patients = (deviations**2).sum(-1) / (n - 1) / n, patients_df(deviations, n)
        if s == 1:
            return _single_seed(patients, n)._replace(df_patients=df_patients)
        residuals = x - of_seed[..., None] - of_patient[..., None, :] + mean[..., None, None]
        squares = (np.where(known[..., None, :], residuals, 0) ** 2).sum((-1, -2))
        interaction = squares / ((s - 1) * (n - 1)) / (s * n)
    df = np.full(n.shape, s - 1.0)
    return VarianceComponents(patients, of_seed.var(-1, ddof=1) / s, interaction, n, df, df_patients)


def components_from_bootstrap(values: Floats, draws: Floats, n: Floats) -> VarianceComponents:
    """Variance components of a pooled metric, from its values under bootstrap resamples of the patients.

    values: (..., seeds); draws: (..., seeds, B), the metric under B resamples; n: number of patients (...). For a
    metric that is a mean over patients this converges to `components_from_cases` as B grows. Resamples in which the
    metric is undefined (NaN) are excluded.
    """
    s, mean, var = values.shape[-1], draws.mean(-2), np.var
    if np.isnan(mean).any():
        var, draws = np.nanvar, np.where(np.isnan(mean)[..., None, :], np.nan, draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The bootstrap variance has the divisor n, the unbiased one n - 1.
        patients = var(mean, axis=-1, ddof=1) * n / (n - 1)
        if s == 1:
            return _single_seed(patients, n)
        # Variances of the seeds' deviations from their mean, summed without an array of deviations.
        left = var(draws, axis=-1, ddof=1).sum(-1) * n / (n - 1) - s * patients
        interaction = left / (s - 1) / s
    return VarianceComponents(patients, values.var(-1, ddof=1) / s, interaction, n, np.full(n.shape, s - 1.0))


def _single_seed(patients: Floats, n: Floats) -> VarianceComponents:
    return VarianceComponents(patients, np.zeros(n.shape), np.zeros(n.shape), n, np.ones(n.shape))


def components_of_difference(
    patients: Floats,
    n: Floats,
    one: VarianceComponents,
    other: VarianceComponents,
    df_patients: Floats | None = None,
) -> VarianceComponents:
    """Variance components of a paired difference of two rows with independent seeds.

    patients: variance of the mean difference over patients, seeds averaged first, with df_patients degrees of freedom;
    n: shared patients. The seed variances of both rows add up, with Satterthwaite's degrees of freedom (Satterthwaite
    1946).
    """
    seeds = one.seeds + other.seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        df = seeds**2 / (one.seeds**2 / one.df + other.seeds**2 / other.df)
    interaction = one.interaction + other.interaction
    return VarianceComponents(patients, seeds, interaction, n, np.where(seeds > 0, df, 1.0), df_patients)


def stack_equal_shapes(arrays: Sequence[Floats]) -> Iterator[tuple[list[int], Floats]]:
    """Arrays of equal shape stacked, with their indices: rows may have different numbers of seeds.

    >>> arrays = [np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 3))]
    >>> [(indices, stacked.shape) for indices, stacked in stack_equal_shapes(arrays)]
    [([1], (1, 1, 3)), ([0, 2], (2, 2, 3))]
    """
    shapes = [one.shape for one in arrays]
    for shape in sorted(set(shapes)):
        indices = [i for i, found in enumerate(shapes) if found == shape]
        yield indices, np.stack([arrays[i] for i in indices])
