"""Holm's correction against statsmodels, and significant pairs of rows."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from uad_bench.leaderboard.statistics.multiple_comparisons import holm_correction, significant_pairs
from uad_bench.leaderboard.statistics.paired_tests import paired_t_test, sign_flip_test


def scores(k, n, step, seed=0):
    rng = np.random.default_rng(seed)
    return np.arange(k)[:, None] * step + rng.normal(0, 0.1, (k, n)) + rng.normal(0, 1, n)


def expected_pairs(values, test):
    above = np.triu_indices(len(values), 1)
    differences = np.array([values[j] - values[i] for i, j in zip(*above, strict=True)])
    return above, multipletests(test(differences), method="holm")[1] <= 0.05


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(2).uniform(size=40) ** 3
    assert holm_correction(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


def test_holm_does_not_count_missing_tests():
    found = holm_correction(np.array([0.01, np.nan, 0.04])).tolist()
    assert found == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_pairs_are_tested_by_sign_flips_with_holm_over_all_pairs():
    values = scores(4, 14, 0.03)
    above, expected = expected_pairs(values, sign_flip_test)
    found = significant_pairs(values)
    assert (found[above] == expected).all() and expected.any() and not expected.all()
    assert (found == found.T).all() and not found.diagonal().any()


def test_many_rows_are_tested_by_t_tests_since_random_flips_cannot_be_significant():
    values = scores(40, 30, 0.02)
    above, expected = expected_pairs(values, paired_t_test)
    assert (significant_pairs(values)[above] == expected).all() and expected.any() and not expected.all()


def test_few_subjects_cannot_give_a_significant_pair():
    assert not significant_pairs(scores(10, 5, 1.0)).any()
    assert not significant_pairs(scores(1, 5, 1.0)).any()
