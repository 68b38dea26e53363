"""How sure a ranking is, and a second opinion on it. Higher scores are better; rank 1 is the best."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from uad_bench.leaderboard.statistic_types import Critical
from uad_bench.leaderboard.statistics.intervals import Floats

Ranks = npt.NDArray[np.int32]

#: Scores of equal methods may differ by the rounding of a sum, never by more.
DIGITS = 12


def ranks(scores: Floats) -> Ranks:
    """Ranks down the rows of scores (k, ...): ties share the better rank, an undefined score (NaN) is the worst."""
    return np.asarray(stats.rankdata(-_comparable(scores), method="min", axis=0), np.int32)


def _comparable(scores: Floats) -> Floats:
    return np.asarray(np.where(np.isnan(scores), -np.inf, np.round(scores, DIGITS)))


def intervals(found: Ranks, alpha: float) -> tuple[Floats, Floats, Floats]:
    """From ranks (k, B) under resamples: each row's interval of ranks, low and high, and its share of first ranks."""
    low, high = np.quantile(found, (alpha / 2, 1 - alpha / 2), axis=1, method="inverted_cdf")
    return low, high, (found == 1).mean(1)


def tau(full: Ranks, found: Ranks) -> float | None:
    """Kendall's tau-b between ranks (k,) and those of resamples (k, B), their pairs counted together.

    Without ties that is the mean of the resamples' taus, which SciPy computes one by one. None with nothing to order.
    """
    order = np.argsort(full, kind="stable")
    whole, drawn = full[order], found[order]
    agree = differ = ordered = apart = 0
    for i in range(len(whole) - 1):
        worse = drawn[np.searchsorted(whole, whole[i], side="right") :]
        agree += int(np.count_nonzero(worse > drawn[i]))
        differ += int(np.count_nonzero(worse < drawn[i]))
        ordered += worse.size
        apart += int(np.count_nonzero(drawn[i + 1 :] != drawn[i]))
    return float((agree - differ) / np.sqrt(ordered * apart)) if ordered and apart else None


def mean_ranks(averaged: Floats) -> Floats:
    """Mean over patients of the rank on each of them, ties averaged; averaged (k, patients), NaN is the worst.

    A patient that no row has a value for says nothing.
    """
    known = averaged[:, ~np.isnan(averaged).all(0)]
    found = stats.rankdata(-_comparable(known), method="average", axis=0)
    return np.asarray(found.mean(1))


def rank_then_aggregate(averaged: Floats) -> Ranks:
    """Ranks by the mean rank over patients, where the usual order is to average first and rank then."""
    return ranks(-mean_ranks(averaged))


def critical(averaged: Floats, labels: Sequence[str], metric: str, alpha: float = 0.05) -> Critical:
    """What a critical-difference diagram of some rows shows; averaged (k, patients), seeds averaged, NaN is the worst.

    Friedman's test asks whether any row differs, Nemenyi's difference which ones do: q(alpha, k) / sqrt(2) *
    sqrt(k (k + 1) / (6 n)), q of the studentised range (Demsar 2006).
    """
    known = averaged[:, ~np.isnan(averaged).all(0)]
    k, n = known.shape
    means = mean_ranks(known)
    order = sorted(range(k), key=lambda i: (means[i], labels[i]))
    listed = tuple((labels[i], float(means[i])) for i in order)
    if k < 2 or n < 2:
        return Critical(metric, n, listed, None, None, ())
    q = float(stats.studentized_range.ppf(1 - alpha, k, np.inf))
    difference = q / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))
    with np.errstate(invalid="ignore"):  # 0 / 0 where all rows are equal
        p = float(stats.friedmanchisquare(*_comparable(known)).pvalue) if k > 2 else None
    p = None if p is None or np.isnan(p) else p
    return Critical(metric, n, listed, float(difference), p, tuple(_cliques(listed, float(difference))))


def _cliques(listed: Sequence[tuple[str, float]], difference: float) -> Iterator[tuple[str, ...]]:
    """The longest stretches of at least two rows whose mean ranks lie less than `difference` apart."""
    end = 0
    for start, (_, first) in enumerate(listed):
        stop = start
        while stop < len(listed) and listed[stop][1] - first < difference:
            stop += 1
        if stop > end and stop - start > 1:
            yield tuple(label for label, _ in listed[start:stop])
        end = max(end, stop)
