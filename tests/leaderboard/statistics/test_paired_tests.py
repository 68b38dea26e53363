"""Paired tests beside SciPy's and statsmodels' own."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from uad_bench.leaderboard.statistic_types import Scheme
from uad_bench.leaderboard.statistics.paired_tests import contrasts, holm, sign_flip, t_test, wilcoxon


def drawn(k=6, n=12, seed=0):
    return np.random.default_rng(seed).normal(0.4, 1, (k, n))


def permuted(row, **more):
    return stats.permutation_test(
        (row,), np.mean, permutation_type="samples", vectorized=True, axis=-1, **more
    )


def test_few_patients_get_the_exact_sign_flip():
    d = drawn(n=12)
    assert sign_flip(d) == pytest.approx([permuted(row, n_resamples=np.inf).pvalue for row in d], abs=1e-12)


def test_many_patients_get_random_flips():
    d = drawn(n=40, seed=1) / 2
    expected = [permuted(row, n_resamples=50_000, rng=1).pvalue for row in d]
    assert sign_flip(d) == pytest.approx(expected, abs=0.015)
    assert sign_flip(d).min() >= 1 / 10_001


def test_the_exact_form_and_the_drawn_one_agree_where_they_meet():
    d = drawn(n=16)
    assert sign_flip(d, Scheme(exact=15)) == pytest.approx(sign_flip(d), abs=0.015)


def test_ties_of_sums_count_in_both_tails():
    assert sign_flip(np.array([[0.1, 0.2, 0.3]])) == 0.25  # 2 of 8; sums of 0.1 and 0.2 do not round alike
    assert sign_flip(np.zeros((1, 20))) == wilcoxon(np.zeros((1, 20))) == t_test(np.zeros((1, 20))) == 1


def test_a_patient_that_is_not_shared_is_as_good_as_none():
    d, holed = drawn(4, 20), np.full((4, 22), np.nan)
    holed[:2, :20], holed[2:, 2:] = d[:2], d[2:]
    for test in (sign_flip, wilcoxon, t_test):
        assert test(holed).tolist() == test(d).tolist()


def test_wilcoxon_is_that_of_scipy_and_no_row_moves_another():
    d = drawn()
    tied = np.round(d)
    expected = [stats.wilcoxon(row).pvalue for row in d]
    both = wilcoxon(np.concatenate([d, tied]))
    assert both[: len(d)] == pytest.approx(expected, abs=1e-12)
    asked = [stats.wilcoxon(row, method="asymptotic").pvalue for row in tied]
    assert both[len(d) :] == pytest.approx(asked, abs=1e-12)


def test_the_t_test_is_that_of_scipy():
    d = drawn()
    assert t_test(d) == pytest.approx(stats.ttest_1samp(d, 0, axis=1).pvalue, rel=1e-9)
    assert t_test(np.full((1, 5), 0.1)) == 0


def test_fewer_than_two_patients_are_no_test():
    assert np.isnan(sign_flip(np.ones((1, 1)))).all() and np.isnan(wilcoxon(np.full((2, 5), np.nan))).all()


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(2).uniform(size=40) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


def test_holm_passes_over_what_was_not_tested():
    assert holm(np.array([0.01, np.nan, 0.04])).tolist() == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_a_contrast_is_the_mean_paired_difference_with_a_t_interval_for_one_seed():
    one, other = drawn(2, 15)
    (found,) = contrasts([one[None]], other[None], "base", "ap")
    expected = stats.ttest_rel(one, other).confidence_interval()
    assert (found.other, found.metric, found.n) == ("base", "ap", 15)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.p == found.p_holm == sign_flip((one - other)[None])[0]


def test_seeds_widen_the_interval_of_a_contrast_but_not_its_p():
    values = drawn(2, 15)
    seeds = np.stack([values[0] - 0.5, values[0], values[0] + 0.5])
    (calm,), (noisy,) = (contrasts([v], values[1:], "b", "ap") for v in (values[:1], seeds))
    assert noisy.difference == pytest.approx(calm.difference) and noisy.p == pytest.approx(calm.p)
    assert noisy.high - noisy.low > 1.5 * (calm.high - calm.low)


def test_rows_with_other_numbers_of_seeds_and_without_shared_patients_stand_together():
    other = drawn(3, 9)
    found = contrasts([drawn(1, 9), np.full((2, 9), np.nan), drawn(5, 9)], other, "b", "ap")
    assert [one.n for one in found] == [9, 0, 9]
    assert found[1][3:] == (None,) * 6


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seeds", "sd"), [(20, 3, 0.03), (20, 5, 0.05), (288, 3, 0.05), (288, 5, 0.01)])
def test_coverage_of_a_contrast(n, seeds, sd):
    from benchmarks.coverage import simulate

    rng, held = np.random.default_rng(5), 0
    for _ in range(3000):
        patients = rng.normal(0, 0.2, n)
        a, b = simulate(rng, 2, n, seeds, sd) / 2 + patients
        (found,) = contrasts([a], b, "b", "ap", Scheme(flips=10))
        held += found.low <= 0 <= found.high
    assert 0.93 <= held / 3000 <= 0.97
