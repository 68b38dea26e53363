"""Paired differences against SciPy, and their coverage."""

import numpy as np
import pytest
from scipy import stats

from tests.helpers.simulations import simulate
from uad_bench.leaderboard.statistic_types import SCHEME, Scheme
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.pairwise.paired_differences import paired_differences
from uad_bench.leaderboard.statistics.pairwise.paired_tests import sign_flip_test


def drawn(k=6, n=12, seed=0):
    return np.random.default_rng(seed).uniform(-1, 2, (k, n))


def compared(values, scheme=SCHEME):
    """Every later row minus the first one."""
    averaged = np.array([one.mean(0) for one in values])
    later = range(1, len(values))
    return paired_differences(all_pairs(values, scheme), averaged, later, (0, "base"), "ap", scheme)


def test_with_one_seed_it_is_the_mean_difference_with_its_t_interval():
    other, one = drawn(2, 15)
    (found,) = compared([other[None], one[None]])
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval()
    assert (found.other, found.metric, found.n) == ("base", "ap", 15)
    assert found.difference == pytest.approx((one - other).mean(), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert found.p_seeds == found.p_holm == pytest.approx(expected.pvalue, rel=1e-3)
    assert found.p == sign_flip_test((one - other)[None])[0]
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(one, other).pvalue)


def test_f4_variation_between_seeds_widens_the_interval_and_raises_p():
    base, one = drawn(2, 15)
    seeds = np.stack([one - 1, one, one + 1])
    (single,), (several,) = (compared([base[None], values]) for values in (one[None], seeds))
    assert several.difference == pytest.approx(single.difference) and several.p == pytest.approx(single.p)
    assert several.high - several.low > 1.5 * (single.high - single.low)
    assert several.p_seeds > single.p_seeds


def test_rows_may_differ_in_seeds():
    found = compared([drawn(seeds, 9, seeds) for seeds in (3, 1, 5)])
    assert [one.n for one in found] == [9, 9] and None not in found[0] + found[1]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seeds", "sd"), [(20, 3, 0.03), (20, 5, 0.05), (288, 3, 0.05), (288, 5, 0.01)])
def test_coverage_of_the_interval(n, seeds, sd):
    rng, covered = np.random.default_rng(5), 0
    for _ in range(3000):
        patients = rng.normal(0, 0.2, n)
        a, b = simulate(rng, 2, n, seeds, sd) / 2 + patients
        (found,) = compared([b, a], Scheme(flips=10))
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / 3000 <= 0.97
