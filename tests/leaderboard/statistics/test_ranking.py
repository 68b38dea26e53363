"""Ranks and their uncertainty, against SciPy."""

import numpy as np
import pytest
from scipy import stats

from uad_bench.leaderboard.statistics import ranking


def scores(k=5, n=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.linspace(0.5, 0, k)[:, None] + rng.normal(0, 0.4, (k, n))


def test_ties_share_the_better_rank_and_an_undefined_score_is_the_worst():
    assert ranking.ranks(np.array([0.2, 0.1 + 0.2, 0.3, np.nan])).tolist() == [3, 1, 1, 4]


def test_a_rank_that_never_moves_has_a_narrow_interval():
    draws = np.array([[3.0] * 10, [2.0] * 10, [1.0] * 10])
    low, high, first = ranking.rank_intervals(ranking.ranks(draws), 0.05)
    assert (low.tolist(), high.tolist(), first.tolist()) == ([1, 2, 3], [1, 2, 3], [1, 0, 0])


def test_a_rank_interval_contains_at_least_its_share_of_the_resamples():
    drawn = ranking.ranks(scores(6, 1000))
    low, high, _ = ranking.rank_intervals(drawn, 0.05)
    inside = (drawn >= low[:, None]) & (drawn <= high[:, None])
    assert inside.mean(1).min() >= 0.95


def test_tau_is_one_for_equal_and_minus_one_for_reversed_rankings():
    full = np.array([1, 2, 3])
    assert ranking.kendall_tau(full, np.repeat(full[:, None], 9, 1)) == 1
    assert ranking.kendall_tau(full, np.repeat(4 - full[:, None], 9, 1)) == -1
    assert ranking.kendall_tau(full[:1], np.ones((1, 9))) is None
    assert ranking.kendall_tau(np.ones(3), np.ones((3, 9))) is None


def test_tau_is_the_mean_of_scipys_taus_and_tau_b_with_ties():
    drawn = ranking.ranks(scores(8, 50))
    full = ranking.ranks(scores(8, 1, seed=1))[:, 0]
    expected = np.mean([stats.kendalltau(full, one).statistic for one in drawn.T])
    assert ranking.kendall_tau(full, drawn) == pytest.approx(expected, abs=1e-12)
    tied, other = np.array([1, 1, 3, 4, 4]), np.array([1, 3, 3, 2, 5])
    assert ranking.kendall_tau(tied, other[:, None]) == pytest.approx(stats.kendalltau(tied, other).statistic)


def test_rank_then_aggregate_ranks_on_each_subject_first():
    averaged = np.array(
        [[9.0, 0.2, 0.2], [0.1, 0.3, 0.3]]
    )  # one subject determines the means, two the mean ranks
    assert ranking.ranks(averaged.mean(1)).tolist() == [1, 2]
    assert ranking.rank_then_aggregate(averaged).tolist() == [2, 1]
    assert ranking.mean_ranks(averaged).tolist() == pytest.approx([5 / 3, 4 / 3])
