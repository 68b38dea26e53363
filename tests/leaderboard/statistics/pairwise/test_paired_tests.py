"""Paired tests against SciPy."""

import numpy as np
import pytest
from scipy import stats

from uad_bench.leaderboard.statistic_types import Scheme
from uad_bench.leaderboard.statistics.pairwise import paired_tests
from uad_bench.leaderboard.statistics.pairwise.paired_tests import sign_flip_test, wilcoxon_test


def drawn(k=6, n=12, seed=0):
    return np.random.default_rng(seed).normal(0.4, 1, (k, n))


def permuted(row, **options):
    return stats.permutation_test(
        (row,), np.mean, permutation_type="samples", vectorized=True, axis=-1, **options
    )


def test_the_sign_flip_test_is_exact_for_few_subjects():
    d = drawn(n=12)
    expected = [permuted(row, n_resamples=np.inf).pvalue for row in d]
    assert sign_flip_test(d) == pytest.approx(expected, abs=1e-12)


def test_the_sign_flip_test_uses_random_flips_for_many_subjects():
    d = drawn(n=40, seed=1) / 2
    expected = [permuted(row, n_resamples=50_000, rng=1).pvalue for row in d]
    assert sign_flip_test(d) == pytest.approx(expected, abs=0.015)
    assert sign_flip_test(d).min() >= 1 / 200_001


def test_the_exact_and_the_random_form_agree():
    d = drawn(n=16)
    assert sign_flip_test(d, Scheme(exact=15)) == pytest.approx(sign_flip_test(d), abs=0.015)


def test_f2_another_seed_of_the_flips_changes_p_by_little():
    d = drawn(40, n=36, seed=3) / 3
    first, second = (sign_flip_test(d, Scheme(seed=seed)) for seed in (1, 2))
    assert np.abs(first - second).max() < 5 * np.sqrt(0.25 / 200_000) and (first != second).any()


def test_tied_sums_count_in_both_tails():
    zeros = np.zeros((1, 20))
    assert (
        sign_flip_test(np.array([[0.1, 0.2, 0.3]])) == 0.25
    )  # 2 of 8, although 0.1 + 0.2 != 0.3 in floating point
    assert sign_flip_test(zeros) == wilcoxon_test(zeros) == 1


def test_the_wilcoxon_test_is_that_of_scipy_row_by_row():
    d = drawn()
    tied = np.round(d)
    expected = [stats.wilcoxon(row).pvalue for row in d]
    both = wilcoxon_test(np.concatenate([d, tied]))
    assert both[: len(d)] == pytest.approx(expected, abs=1e-12)
    expected = [stats.wilcoxon(row, method="asymptotic").pvalue for row in tied]
    assert both[len(d) :] == pytest.approx(expected, abs=1e-12)


def test_fewer_than_two_subjects_give_no_p_value():
    assert np.isnan(sign_flip_test(np.ones((1, 1)))).all()
    assert np.isnan(wilcoxon_test(np.ones((2, 1)))).all()


def test_the_number_of_sign_vectors_at_a_time_changes_no_p_value(monkeypatch):
    differences = np.random.default_rng(5).normal(0.2, 1, (7, 25))
    found = []
    for block in (100, 256, 10**6):
        monkeypatch.setattr(paired_tests, "BLOCK", block)
        found.append(sign_flip_test(differences, Scheme(flips=5000)).tobytes())
    assert len(set(found)) == 1
