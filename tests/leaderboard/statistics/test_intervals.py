"""Confidence intervals: special cases with known solutions, and simulated coverage."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from tests.helpers.simulations import coverage, simulate, simulate_folds
from uad_bench.leaderboard.statistics.intervals import t_interval_half_width
from uad_bench.leaderboard.statistics.variance_components import components_from_cases


def half_width(values):
    return t_interval_half_width(components_from_cases(values, np.ones(values.shape[-1], bool)))


def test_f4_one_seed_gives_the_t_interval_over_patients_without_positive_kurtosis():
    values = np.random.default_rng(5).uniform(size=(1, 20))
    assert stats.kurtosis(values[0]) < 0
    low, high = DescrStatsW(values[0]).tconfint_mean(0.05)
    assert half_width(values) == pytest.approx((high - low) / 2, rel=1e-12)


def test_f4_the_t_interval_over_patients_with_heavy_tails_has_fewer_degrees_of_freedom():
    values = np.r_[np.linspace(-1, 1, 19), 8.0]
    kurtosis = float(np.mean((values - values.mean()) ** 4) / values.var() ** 2 - 3)
    assert kurtosis == pytest.approx(stats.kurtosis(values)) and kurtosis > 5
    expected = stats.t.ppf(0.975, 19 / (1 + kurtosis / 2)) * stats.sem(values)
    assert half_width(values[None]) == pytest.approx(expected, rel=1e-12)
    low, high = DescrStatsW(values).tconfint_mean(0.05)
    assert half_width(values[None]) > 1.1 * (high - low) / 2


def test_equal_patients_give_the_t_interval_over_seeds():
    values = np.repeat(np.random.default_rng(6).normal(size=(5, 1)), 20, axis=1)
    low, high = DescrStatsW(values[:, 0]).tconfint_mean(0.05)
    assert half_width(values) == pytest.approx((high - low) / 2, rel=1e-9)


def test_alpha_is_one_minus_the_coverage():
    values = np.random.default_rng(5).uniform(size=(1, 20))
    low, high = DescrStatsW(values[0]).tconfint_mean(0.1)
    found = t_interval_half_width(components_from_cases(values, np.ones(20, bool)), alpha=0.1)
    assert found == pytest.approx((high - low) / 2, rel=1e-12)


def test_fewer_than_two_patients_have_no_interval_and_equal_values_a_point():
    assert np.isnan(half_width(np.ones((3, 1))))
    assert half_width(np.ones((3, 5))) == 0


@pytest.mark.parametrize(
    ("n", "seeds", "sd"), [(20, 3, 0.05), (288, 3, 0.01), (288, 3, 0.05), (288, 5, 0.03)]
)
def test_coverage_in_small_simulations(n, seeds, sd):
    values = simulate(np.random.default_rng(3), 4000 if n == 20 else 1500, n, seeds, sd)
    assert 0.925 <= coverage(values) <= 0.975


def test_fold_means_are_the_replicates_since_runs_of_a_fold_are_correlated():
    values = simulate_folds(np.random.default_rng(3), 1500, 288, (5, 3), 0.04)
    assert 0.925 <= coverage(values.mean(2)) <= 0.975
    assert coverage(values.reshape(1500, 15, 288)) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("sd", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("n", [20, 288])
def test_coverage_is_within_the_documented_range(n, seeds, sd):
    values = simulate(np.random.default_rng(4), 8000, n, seeds, sd)
    assert 0.93 <= coverage(values) <= 0.97
