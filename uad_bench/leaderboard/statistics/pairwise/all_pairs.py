"""All pairs of rows of a table: differences with intervals, one family of tests, and equivalence.

The test treats seeds and patients as random, as the interval does, so that a claim is about a method and not about the
models that were trained. Holm's correction is over all pairs of the family. Every column of a table takes its p values
from here: the best row is chosen by the data, and only the whole family allows for that.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.leaderboard.statistic_types import SCHEME, Scheme
from uad_bench.leaderboard.statistics.intervals import (
    POWER,
    Quantiles,
    degrees_of_freedom,
    df_of,
    equivalence_test,
    t_test,
)
from uad_bench.leaderboard.statistics.pairwise.multiple_comparisons import holm_correction
from uad_bench.leaderboard.statistics.pairwise.seed_variances import moderated
from uad_bench.leaderboard.statistics.variance_components import (
    Bools,
    Floats,
    VarianceComponents,
    components_from_cases,
    components_of_difference,
    patients_df,
    stack_equal_shapes,
)

Indices = npt.NDArray[np.intp]


class Pairs(NamedTuple):
    """Statistics of every pair of k rows, arrays (k, k); the difference is row minus column.

    half: half the width of the interval; p: uncorrected; p_holm: after Holm's correction over all pairs; p_equal: of
    equivalence within `Scheme.delta`, after the same correction. NaN on the diagonal and with fewer than two subjects,
    p_equal also where a row is incomplete.
    """

    difference: Floats
    half: Floats
    p: Floats
    p_holm: Floats
    p_equal: Floats

    def different(self, alpha: float) -> Bools:
        """Which pairs differ significantly."""
        return np.asarray(self.p_holm <= alpha)


def all_pairs(values: Sequence[Floats], scheme: Scheme = SCHEME, incomplete: Bools | None = None) -> Pairs:
    """Differences of all pairs of rows; values: (seeds, subjects) each, on the same subjects and without NaN.

    incomplete: which rows have replaced values (`complete_values`), (k,); they are not tested for equivalence.

    >>> rng = np.random.default_rng(1)
    >>> rows = [rng.normal(mean, 0.1, (3, 12)) for mean in (0, 0, 1)]
    >>> all_pairs(rows).different(0.05).astype(int).tolist()
    [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    """
    k = len(values)
    parts, averaged = moderated(_components(values)), np.array([one.mean(0) for one in values])
    found = np.full((4, k, k), np.nan)
    for i in range(k - 1):
        later = np.arange(i + 1, k)
        found[:, i, later] = _against(averaged[i] - averaged[later], _at(parts, i), _at(parts, later), scheme)
    above = np.triu_indices(k, 1)
    if incomplete is not None:
        found[3, incomplete[:, None] | incomplete] = np.nan
    difference, half, p, p_equal = found
    pairs = Pairs(
        *(_mirrored(one, above) for one in (difference, half, p)),
        *(_mirrored(_holm(one, above), above) for one in (p, p_equal)),
    )
    return pairs._replace(difference=np.where(np.tri(k, dtype=bool), -pairs.difference, pairs.difference))


def _against(d: Floats, one: VarianceComponents, others: VarianceComponents, scheme: Scheme) -> Floats:
    """Difference, half width, p and p of equivalence of one row and some others, (4, others); d (others, subjects)."""
    subjects = d.shape[1]
    n, mean = np.full(len(d), float(subjects)), d.mean(1)
    deviations = d - mean[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        patients = np.square(deviations).sum(1) / (n - 1) / n
    parts = components_of_difference(patients, n, one, others, patients_df(deviations, n))
    quantiles = Quantiles.of(parts, scheme.alpha)
    half, cautious = quantiles.at(POWER) * np.sqrt(parts.variance[0]), df_of(quantiles, scheme.alpha)
    # Heavy tails widen intervals. A difference of equal methods is symmetric: its t test is conservative with heavy
    # tails, and an allowance for them would cost most of the power of many pairs.
    df = degrees_of_freedom(parts._replace(df_patients=None), scheme.alpha)
    return np.array(
        [
            mean,
            np.where(n > 1, half, np.nan),
            t_test(mean, parts, df),
            equivalence_test(mean, parts, cautious, scheme.delta),
        ]
    )


def _components(values: Sequence[Floats]) -> VarianceComponents:
    """The variance components of every row."""
    k = len(values)
    found = np.zeros((5, k))
    for rows, stacked in stack_equal_shapes(values):
        parts = components_from_cases(stacked, np.ones((len(rows), stacked.shape[-1]), bool))
        found[:, rows] = [parts.patients, parts.seeds, parts.interaction, parts.n, parts.df]
    return VarianceComponents(*found)


def _at(parts: VarianceComponents, index: int | Indices) -> VarianceComponents:
    return VarianceComponents(parts.patients[index], parts.seeds[index], parts.interaction[index], parts.n[index],
                              parts.df[index])  # fmt: skip


def _holm(p: Floats, above: tuple[Indices, ...]) -> Floats:
    corrected = np.full(p.shape, np.nan)
    corrected[above] = holm_correction(p[above])
    return corrected


def _mirrored(square: Floats, above: tuple[Indices, ...]) -> Floats:
    filled = square.copy()
    filled.T[above] = square[above]
    return filled
