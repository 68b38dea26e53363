"""All pairs of rows: one family of tests, against SciPy and statsmodels, and simulated false claims."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from uad_bench.leaderboard.statistic_types import Scheme
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs


def scores(k, n, step, seed=0, seeds=1):
    """Rows (seeds, n) whose means are `step` apart; light tails, so that the patients have n - 1 degrees of freedom."""
    rng = np.random.default_rng(seed)
    patients = rng.normal(0, 1, n)
    return [i * step + patients + rng.uniform(-0.2, 0.2, (seeds, n)) for i in range(k)]


def test_f1_the_p_values_are_those_of_paired_t_tests_with_holm_over_all_pairs():
    values = scores(4, 14, 0.05)
    found, above = all_pairs(values), np.triu_indices(4, 1)
    tests = [stats.ttest_rel(values[i][0], values[j][0]) for i, j in zip(*above, strict=True)]
    holm = multipletests([one.pvalue for one in tests], method="holm")[1]
    assert found.p_holm[above] == pytest.approx(holm, rel=2e-2)
    assert (found.p_holm == found.p_holm.T)[above].all()
    assert found.difference == pytest.approx(-found.difference.T, nan_ok=True)
    ends = found.difference[above] - found.half[above]
    assert ends == pytest.approx([one.confidence_interval().low for one in tests], rel=1e-6)


def test_heavy_tails_widen_the_interval_and_the_equivalence_test_but_not_the_test_of_a_difference():
    """One seed: patients alone are random. Two differences of equal mean and variance, one with heavy tails."""
    light = np.linspace(-1, 1, 20)
    heavy = np.array([*[-0.1, 0.1] * 9, -3, 3])
    light, heavy = (0.01 + 0.02 * one / one.std() for one in (light, heavy))
    base = np.linspace(0, 1, 20)
    (one, other) = (all_pairs([(base + d)[None], base[None]], Scheme(delta=0.02)) for d in (light, heavy))
    df = 19 / (1 + (stats.kurtosis(heavy)) / 2)
    error = 0.02 * np.sqrt(20 / 19) / np.sqrt(20)
    assert one.half[0, 1] == pytest.approx(stats.t.ppf(0.975, 19) * error, rel=2e-3)
    assert other.half[0, 1] == pytest.approx(stats.t.ppf(0.975, df) * error, rel=0.05)
    assert other.half[0, 1] > 1.1 * one.half[0, 1] and other.p_equal[0, 1] > one.p_equal[0, 1]
    assert other.p[0, 1] == pytest.approx(one.p[0, 1])


def test_f5_equal_rows_are_equivalent_and_distant_rows_are_not():
    values = [one / 50 for one in scores(2, 30, 0.0)] + [scores(1, 30, 0.0)[0] / 50 + 0.1]
    found = all_pairs(values, Scheme(delta=0.02))
    assert found.p_equal[0, 1] < 1e-6 and found.p_equal[0, 2] > 0.99
    d = (values[0] - values[1])[0]
    expected = max(stats.ttest_1samp(d + s * 0.02, 0, alternative=a).pvalue
                   for s, a in ((1, "greater"), (-1, "less")))  # fmt: skip
    assert all_pairs(values[:2], Scheme(delta=0.02)).p_equal[0, 1] == pytest.approx(expected, rel=1e-3)


def test_identical_rows_do_not_differ_and_constant_differences_do():
    row = np.random.default_rng(0).random((3, 12))
    found = all_pairs([row, row, row + 0.1])
    assert found.p[0, 1] == 1 and found.p[0, 2] == 0 and found.p_equal[0, 1] == 0


def test_a_single_row_has_no_pair():
    found = all_pairs([np.random.default_rng(0).random((3, 12))])
    assert found.p_holm.shape == (1, 1) and np.isnan(found.p_holm).all()


def test_f4_equal_methods_whose_seeds_vary_are_rarely_declared_different():
    rng, claims = np.random.default_rng(1), 0
    for _ in range(200):
        patients = rng.normal(0, 0.15, 60)
        values = [patients + rng.normal(0, 0.02, (3, 1)) + rng.normal(0, 0.03, (3, 60)) for _ in range(10)]
        claims += all_pairs(values).different(0.05).any()
    assert claims <= 0.08 * 200
