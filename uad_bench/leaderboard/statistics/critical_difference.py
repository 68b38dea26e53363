"""Friedman's test and Nemenyi's critical difference of mean ranks (Demsar 2006)."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from uad_bench.leaderboard.statistic_types import CriticalDifference
from uad_bench.leaderboard.statistics.ranking import comparable, mean_ranks
from uad_bench.leaderboard.statistics.variance_components import Floats


def critical_difference(
    values: Floats, labels: Sequence[str], metric: str, alpha: float = 0.05
) -> CriticalDifference:
    """Contents of a critical-difference diagram of rows; values (k, subjects), averaged over seeds, NaN is the worst.

    Friedman's test: whether any row differs. Nemenyi's critical difference: q(alpha, k) / sqrt(2) *
    sqrt(k (k + 1) / (6 n)) with q of the studentised range distribution, for k rows and n subjects.

    >>> values = np.random.default_rng(0).random((4, 14))
    >>> round(critical_difference(values, "abcd", "auc").difference, 2)  # Demsar 2006, section 3.2.2: 1.25
    1.25
    """
    known = values[:, ~np.isnan(values).all(0)]
    k, n = known.shape
    means = mean_ranks(known)
    order = sorted(range(k), key=lambda i: (means[i], labels[i]))
    listed = tuple((labels[i], float(means[i])) for i in order)
    if k < 2 or n < 2:
        return CriticalDifference(metric, n, listed, None, None, ())
    q = float(stats.studentized_range.ppf(1 - alpha, k, np.inf))
    difference = float(q / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n)))
    return CriticalDifference(
        metric, n, listed, difference, _friedman_p(known), tuple(_cliques(listed, difference))
    )


def _friedman_p(values: Floats) -> float | None:
    """p value of Friedman's test, None with fewer than three rows or where all rows are equal."""
    if len(values) < 3:
        return None
    with np.errstate(invalid="ignore"):  # 0 / 0 where all rows are equal
        p = float(stats.friedmanchisquare(*comparable(values)).pvalue)
    return None if np.isnan(p) else p


def _cliques(listed: Sequence[tuple[str, float]], difference: float) -> Iterator[tuple[str, ...]]:
    """The longest stretches of at least two rows whose mean ranks differ by less than `difference`."""
    end = 0
    for start, (_, first) in enumerate(listed):
        stop = start
        while stop < len(listed) and listed[stop][1] - first < difference:
            stop += 1
        if stop > end and stop - start > 1:
            yield tuple(label for label, _ in listed[start:stop])
        end = max(end, stop)
