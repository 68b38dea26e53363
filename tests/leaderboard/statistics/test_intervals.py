"""Intervals over seeds and patients: their variances, their ends, their coverage."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from benchmarks.coverage import covered, simulate, simulate_folds
from uad_bench.leaderboard.statistics.intervals import (
    Parts,
    half_width,
    of_cases,
    of_difference,
    of_draws,
    patient_draws,
    two_way,
)

RNG = np.random.default_rng(5)


def layout(s=4, n=30):
    """Values of seeds by patients with all three sorts of noise."""
    return RNG.normal(0, 0.1, (s, 1)) + RNG.normal(0, 0.2, n) + RNG.normal(0, 0.05, (s, n))


def known(values):
    return np.ones(values.shape[-1], bool)


def test_one_seed_is_the_t_interval_over_patients():
    values = RNG.normal(size=(1, 20))
    low, high = DescrStatsW(values[0]).tconfint_mean(0.05)
    assert half_width(of_cases(values, known(values))) == pytest.approx((high - low) / 2, rel=1e-12)


def test_patients_without_a_spread_leave_the_t_interval_over_seeds():
    values = np.repeat(RNG.normal(size=(5, 1)), 20, axis=1)
    low, high = DescrStatsW(values[:, 0]).tconfint_mean(0.05)
    assert half_width(of_cases(values, known(values))) == pytest.approx((high - low) / 2, rel=1e-9)


def test_the_parts_are_those_of_the_analysis_of_variance():
    import pandas as pd
    from statsmodels.api import stats
    from statsmodels.formula.api import ols

    values = layout(3, 8)
    seed, patient = np.indices(values.shape)
    frame = pd.DataFrame({"y": values.ravel(), "s": seed.ravel(), "p": patient.ravel()})
    table = stats.anova_lm(ols("y ~ C(s) + C(p)", frame).fit())
    squares = table["sum_sq"] / table["df"] / values.size
    parts = of_cases(values, known(values))
    assert [parts.seeds, parts.patients, parts.both] == pytest.approx(squares.tolist(), rel=1e-9)


def test_draws_of_a_mean_give_the_same_parts_as_its_cases():
    values = layout()
    exact = of_cases(values, known(values))
    drawn = of_draws(values.mean(1), patient_draws(values, 20_000), np.array(30.0))
    assert drawn.seeds == pytest.approx(exact.seeds, rel=1e-9)
    assert drawn.patients == pytest.approx(exact.patients, rel=0.05)
    assert drawn.both == pytest.approx(exact.both, rel=0.1)


def test_the_closed_form_is_that_of_the_two_way_resampling():
    s, n = 4, 30
    values = layout(s, n)
    parts = of_cases(values, known(values))
    both = parts.both * (s - 1) * (n - 1) / (s * n)  # plug-in variances have n, not n - 1, below the line
    plain = parts.seeds * (s - 1) / s + parts.patients * (n - 1) / n + both
    assert two_way(patient_draws(values, 40_000), 1).var() == pytest.approx(plain, rel=0.04)


def test_an_unknown_patient_is_as_good_as_none():
    values = layout()
    holed = np.concatenate([values, np.full((4, 1), np.nan)], axis=1)
    assert half_width(of_cases(holed, ~np.isnan(holed).any(0))) == half_width(of_cases(values, known(values)))


def test_fewer_than_two_patients_have_no_interval_and_no_spread_a_point():
    assert np.isnan(half_width(of_cases(np.ones((3, 1)), np.ones(1, bool))))
    assert half_width(of_cases(np.ones((3, 5)), np.ones(5, bool))) == 0


def test_seeds_of_two_rows_add_up():
    parts = Parts(*np.array([[0.0], [2.0], [0.5], [9.0], [2.0]]))
    sum_ = of_difference(np.array([1.0]), np.array([9.0]), parts, parts)
    assert (sum_.seeds, sum_.both, sum_.df) == (4, 1, 4)  # Satterthwaite of two equal variances: 2 + 2


@pytest.mark.parametrize(
    ("n", "seeds", "sd"), [(20, 3, 0.05), (288, 3, 0.01), (288, 3, 0.05), (288, 5, 0.03)]
)
def test_coverage_in_small(n, seeds, sd):
    values = simulate(np.random.default_rng(3), 4000 if n == 20 else 1500, n, seeds, sd)
    assert 0.925 <= covered(values) <= 0.975


def test_folds_stand_where_seeds_stand_as_runs_of_one_fold_are_alike():
    values = simulate_folds(np.random.default_rng(3), 1500, 288, (5, 3), 0.04)
    assert 0.925 <= covered(values.mean(2)) <= 0.975
    assert covered(values.reshape(1500, 15, 288)) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("sd", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("n", [20, 288])
def test_coverage_is_that_which_is_printed(n, seeds, sd):
    values = simulate(np.random.default_rng(4), 8000, n, seeds, sd)
    assert 0.93 <= covered(values) <= 0.97
