"""Ranks and their uncertainty. Higher scores are better, rank 1 is the best."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from uad_bench.leaderboard.statistics.variance_components import Floats

Ranks = npt.NDArray[np.int32]

#: Scores are compared after rounding to this many decimals, so that the rounding of sums does not break ties.
DIGITS = 12


def ranks(scores: Floats) -> Ranks:
    """Ranks along the first axis of scores (k, ...): ties share the better rank, an undefined score (NaN) is the worst.

    >>> ranks(np.array([0.2, 0.3, 0.3, np.nan])).tolist()
    [3, 1, 1, 4]
    """
    return np.asarray(stats.rankdata(-comparable(scores), method="min", axis=0), np.int32)


def comparable(scores: Floats) -> Floats:
    """Scores rounded to `DIGITS` decimals, with -inf for undefined ones."""
    return np.asarray(np.where(np.isnan(scores), -np.inf, np.round(scores, DIGITS)))


def rank_intervals(resampled: Ranks, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Percentile bootstrap interval of each row's rank, low and high ends, and its share of first ranks; each (k,).

    resampled: ranks (k, B) under B resamples of the patients; alpha: 1 minus the coverage.

    >>> low, high, first = rank_intervals(np.array([[1, 1, 2, 1], [2, 2, 1, 2]]), alpha=0.05)
    >>> low.tolist(), high.tolist(), first.tolist()
    ([1, 1], [2, 2], [0.75, 0.25])
    """
    low, high = np.quantile(resampled, (alpha / 2, 1 - alpha / 2), axis=1, method="inverted_cdf")
    return low, high, (resampled == 1).mean(1)


def kendall_tau(full: Ranks, resampled: Ranks) -> float | None:
    """Kendall's tau-b between ranks (k,) and those of resamples (k, B), over the pairs of all resamples together.

    Without ties it is the mean of the taus of the resamples. None where no pair is ordered.

    >>> kendall_tau(np.array([1, 2, 3]), np.array([[1, 1], [2, 3], [3, 2]]))  # tau 1 and 1/3
    0.6666666666666666
    """
    order = np.argsort(full, kind="stable")
    whole, drawn = full[order], resampled[order]
    concordant = discordant = ordered = ordered_in_resamples = 0
    for i in range(len(whole) - 1):
        worse = drawn[np.searchsorted(whole, whole[i], side="right") :]
        concordant += int(np.count_nonzero(worse > drawn[i]))
        discordant += int(np.count_nonzero(worse < drawn[i]))
        ordered += worse.size
        ordered_in_resamples += int(np.count_nonzero(drawn[i + 1 :] != drawn[i]))
    if not (ordered and ordered_in_resamples):
        return None
    return float((concordant - discordant) / np.sqrt(ordered * ordered_in_resamples))


def mean_ranks(values: Floats) -> Floats:
    """Mean over subjects of the rank on each subject, ties averaged; (k,).

    values: (k, subjects), NaN is the worst; a subject without any value is excluded.
    """
    known = values[:, ~np.isnan(values).all(0)]
    found = stats.rankdata(-comparable(known), method="average", axis=0)
    return np.asarray(found.mean(1))


def rank_then_aggregate(values: Floats) -> Ranks:
    """Ranks by the mean rank over subjects; the default ranking averages first (Wiesenfarth et al. 2021).

    >>> values = np.array([[9.0, 0.2, 0.2], [0.1, 0.3, 0.3]])  # the first row is better on one subject only
    >>> rank_then_aggregate(values).tolist(), ranks(values.mean(1)).tolist()
    ([2, 1], [1, 2])
    """
    return ranks(-mean_ranks(values))
