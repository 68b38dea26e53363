"""Paired differences against SciPy, and their coverage."""

import numpy as np
import pytest
from scipy import stats

from tests.helpers.simulations import simulate
from uad_bench.leaderboard.statistic_types import Scheme
from uad_bench.leaderboard.statistics.paired_differences import paired_differences
from uad_bench.leaderboard.statistics.paired_tests import sign_flip_test


def drawn(k=6, n=12, seed=0):
    return np.random.default_rng(seed).normal(0.4, 1, (k, n))


def test_with_one_seed_it_is_the_mean_difference_with_its_t_interval():
    one, other = drawn(2, 15)
    (found,) = paired_differences([one[None]], other[None], "base", "ap")
    expected = stats.ttest_rel(one, other).confidence_interval()
    assert (found.other, found.metric, found.n) == ("base", "ap", 15)
    assert found.difference == pytest.approx((one - other).mean(), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.p == found.p_holm == sign_flip_test((one - other)[None])[0]
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(one, other).pvalue)


def test_variation_between_seeds_widens_the_interval_but_does_not_change_p():
    values = drawn(2, 15)
    seeds = np.stack([values[0] - 0.5, values[0], values[0] + 0.5])
    (single,), (several,) = (paired_differences([v], values[1:], "b", "ap") for v in (values[:1], seeds))
    assert several.difference == pytest.approx(single.difference) and several.p == pytest.approx(single.p)
    assert several.high - several.low > 1.5 * (single.high - single.low)


def test_rows_may_differ_in_seeds_and_shared_subjects():
    reference = drawn(3, 9)
    found = paired_differences([drawn(1, 9), np.full((2, 9), np.nan), drawn(5, 9)], reference, "b", "ap")
    assert [one.n for one in found] == [9, 0, 9]
    assert found[1][3:] == (None,) * 6


def test_holm_is_over_all_rows():
    reference = drawn(1, 12)
    found = paired_differences(
        [reference + drawn(1, 12, seed) / 2 for seed in (1, 2, 3)], reference, "b", "ap"
    )
    smallest = min(found, key=lambda one: one.p)
    assert smallest.p_holm == pytest.approx(min(3 * smallest.p, 1))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seeds", "sd"), [(20, 3, 0.03), (20, 5, 0.05), (288, 3, 0.05), (288, 5, 0.01)])
def test_coverage_of_the_interval(n, seeds, sd):
    rng, covered = np.random.default_rng(5), 0
    for _ in range(3000):
        patients = rng.normal(0, 0.2, n)
        a, b = simulate(rng, 2, n, seeds, sd) / 2 + patients
        (found,) = paired_differences([a], b, "b", "ap", Scheme(flips=10))
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / 3000 <= 0.97
