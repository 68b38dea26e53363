"""Ranks and their certainty, beside scikit-posthocs and SciPy."""

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from uad_bench.leaderboard.statistics import ranking


def scores(k=5, n=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.linspace(0.5, 0, k)[:, None] + rng.normal(0, 0.4, (k, n))


def test_ties_share_the_better_rank_and_an_undefined_score_is_the_worst():
    assert ranking.ranks(np.array([0.2, 0.1 + 0.2, 0.3, np.nan])).tolist() == [3, 1, 1, 4]


def test_a_rank_that_never_moves_has_a_narrow_interval():
    draws = np.array([[3.0] * 10, [2.0] * 10, [1.0] * 10])
    low, high, first = ranking.intervals(ranking.ranks(draws), 0.05)
    assert (low.tolist(), high.tolist(), first.tolist()) == ([1, 2, 3], [1, 2, 3], [1, 0, 0])


def test_a_rank_interval_leaves_out_no_more_than_its_tails():
    drawn = ranking.ranks(scores(6, 1000))
    low, high, _ = ranking.intervals(drawn, 0.05)
    held = (drawn >= low[:, None]) & (drawn <= high[:, None])
    assert held.mean(1).min() >= 0.95


def test_tau_is_one_where_no_resample_moves_a_rank_and_minus_one_where_all_turn_round():
    full = np.array([1, 2, 3])
    assert ranking.tau(full, np.repeat(full[:, None], 9, 1)) == 1
    assert ranking.tau(full, np.repeat(4 - full[:, None], 9, 1)) == -1
    assert ranking.tau(full[:1], np.ones((1, 9))) is None
    assert ranking.tau(np.ones(3), np.ones((3, 9))) is None


def test_tau_is_the_mean_of_those_of_scipy_and_tau_b_with_ties():
    drawn = ranking.ranks(scores(8, 50))
    full = ranking.ranks(scores(8, 1, seed=1))[:, 0]
    expected = np.mean([stats.kendalltau(full, one).statistic for one in drawn.T])
    assert ranking.tau(full, drawn) == pytest.approx(expected, abs=1e-12)
    tied, other = np.array([1, 1, 3, 4, 4]), np.array([1, 3, 3, 2, 5])
    assert ranking.tau(tied, other[:, None]) == pytest.approx(stats.kendalltau(tied, other).statistic)


def test_the_second_opinion_ranks_on_each_patient_first():
    averaged = np.array([[9.0, 0.2, 0.2], [0.1, 0.3, 0.3]])  # one patient decides the mean, two the ranks
    assert ranking.ranks(averaged.mean(1)).tolist() == [1, 2]
    assert ranking.rank_then_aggregate(averaged).tolist() == [2, 1]
    assert ranking.mean_ranks(averaged).tolist() == pytest.approx([5 / 3, 4 / 3])


@pytest.mark.parametrize("seed", range(4))
def test_the_critical_difference_is_where_nemenyi_turns_significant(seed):
    averaged = scores(seed=seed)
    found = ranking.critical(averaged, "abcde", "ap")
    p = scikit_posthocs.posthoc_nemenyi_friedman(pd.DataFrame(averaged.T, columns=list("abcde")))
    means = dict(found.mean_ranks)
    for a in "abcde":
        for b in set("abcde") - {a}:
            assert (abs(means[a] - means[b]) < found.difference) == (p.loc[a, b] > 0.05)


def test_friedman_is_that_of_scipy_and_cliques_are_longest_stretches():
    averaged = scores(seed=3)
    found = ranking.critical(averaged, "abcde", "ap")
    assert found.p == pytest.approx(stats.friedmanchisquare(*averaged).pvalue)
    means = dict(found.mean_ranks)
    for clique in found.cliques:
        assert max(means[x] for x in clique) - min(means[x] for x in clique) < found.difference
        assert not any(set(clique) < set(other) for other in found.cliques)


def test_the_critical_difference_of_demsar():
    found = ranking.critical(scores(4, 14), "abcd", "auc")  # Demsar 2006, section 3.2.2: CD = 2.569 * 0.488
    assert found.difference == pytest.approx(1.25, abs=0.005)


def test_one_row_or_patient_has_no_critical_difference():
    assert ranking.critical(scores(1), "a", "ap")[3:] == (None, None, ())
    assert ranking.critical(scores(3, 1), "abc", "ap").difference is None
