"""Critical difference and Friedman's test against scikit-posthocs, SciPy and Demsar's example."""

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from uad_bench.leaderboard.statistics.critical_difference import critical_difference


def scores(k=5, n=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.linspace(0.5, 0, k)[:, None] + rng.normal(0, 0.4, (k, n))


@pytest.mark.parametrize("seed", range(4))
def test_pairs_beyond_the_critical_difference_are_those_significant_by_nemenyi(seed):
    values = scores(seed=seed)
    found = critical_difference(values, "abcde", "ap")
    p = scikit_posthocs.posthoc_nemenyi_friedman(pd.DataFrame(values.T, columns=list("abcde")))
    means = dict(found.mean_ranks)
    for a in "abcde":
        for b in set("abcde") - {a}:
            assert (abs(means[a] - means[b]) < found.difference) == (p.loc[a, b] > 0.05)


def test_friedman_is_that_of_scipy_and_cliques_are_maximal():
    values = scores(seed=3)
    found = critical_difference(values, "abcde", "ap")
    assert found.p == pytest.approx(stats.friedmanchisquare(*values).pvalue)
    means = dict(found.mean_ranks)
    for clique in found.cliques:
        assert max(means[x] for x in clique) - min(means[x] for x in clique) < found.difference
        assert not any(set(clique) < set(other) for other in found.cliques)


def test_the_example_of_demsar():
    found = critical_difference(
        scores(4, 14), "abcd", "auc"
    )  # Demsar 2006, section 3.2.2: CD = 2.569 * 0.488
    assert found.difference == pytest.approx(1.25, abs=0.005)


def test_one_row_or_one_subject_has_no_critical_difference():
    assert critical_difference(scores(1), "a", "ap")[3:] == (None, None, ())
    assert critical_difference(scores(3, 1), "abc", "ap").difference is None
    assert critical_difference(scores(2), "ab", "ap").p is None


def test_equal_rows_have_no_friedman_p_value_and_subjects_without_values_are_ignored():
    equal = np.repeat(scores(1), 3, axis=0)
    assert critical_difference(equal, "abc", "ap").p is None
    holed = np.concatenate([scores(), np.full((5, 2), np.nan)], axis=1)
    assert critical_difference(holed, "abcde", "ap") == critical_difference(scores(), "abcde", "ap")
