"""Variance components against statsmodels' analysis of variance and against resampling."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.api import stats
from statsmodels.formula.api import ols

from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means, two_way_bootstrap
from uad_bench.leaderboard.statistics.variance_components import (
    VarianceComponents,
    components_from_bootstrap,
    components_from_cases,
    components_of_difference,
    patients_df,
    stack_equal_shapes,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def layout(rng, s=4, n=30):
    """Values of seeds by patients with all three variances."""
    return rng.normal(0, 0.1, (s, 1)) + rng.normal(0, 0.2, n) + rng.normal(0, 0.05, (s, n))


def known(values):
    return np.ones(values.shape[-1], bool)


def test_the_components_are_those_of_the_analysis_of_variance(rng):
    values = layout(rng, 3, 8)
    seed, patient = np.indices(values.shape)
    frame = pd.DataFrame({"y": values.ravel(), "s": seed.ravel(), "p": patient.ravel()})
    table = stats.anova_lm(ols("y ~ C(s) + C(p)", frame).fit())
    squares = table["sum_sq"] / table["df"] / values.size
    found = components_from_cases(values, known(values))
    assert [found.seeds, found.patients, found.interaction] == pytest.approx(squares.tolist(), rel=1e-9)
    assert (found.n, found.df) == (8, 2)


def test_draws_of_a_mean_give_the_same_components_as_its_cases(rng):
    values = layout(rng)
    exact = components_from_cases(values, known(values))
    drawn = components_from_bootstrap(values.mean(1), bootstrap_means(values, 20_000), np.array(30.0))
    assert drawn.seeds == pytest.approx(exact.seeds, rel=1e-9)
    assert drawn.patients == pytest.approx(exact.patients, rel=0.05)
    assert drawn.interaction == pytest.approx(exact.interaction, rel=0.1)


def test_undefined_draws_are_excluded(rng):
    values = layout(rng)
    draws = bootstrap_means(values, 1000)
    holed = draws.copy()
    holed[0, :500] = np.nan
    n = np.array(30.0)
    found = components_from_bootstrap(values.mean(1), holed, n)
    expected = components_from_bootstrap(values.mean(1), draws[:, 500:], n)
    assert np.array(found[:5]) == pytest.approx(np.array(expected[:5]), rel=1e-9)


def test_the_variance_is_that_of_the_two_way_bootstrap(rng):
    s, n = 4, 30
    values = layout(rng, s, n)
    parts = components_from_cases(values, known(values))
    interaction = (
        parts.interaction * (s - 1) * (n - 1) / (s * n)
    )  # plug-in variances have the divisor n, not n - 1
    plug_in = parts.seeds * (s - 1) / s + parts.patients * (n - 1) / n + interaction
    assert two_way_bootstrap(bootstrap_means(values, 40_000), 1).var() == pytest.approx(plug_in, rel=0.04)


def test_a_single_seed_has_no_seed_variance(rng):
    found = components_from_cases(layout(rng, s=1), np.ones(30, bool))
    assert (found.seeds, found.interaction, found.df) == (0, 0, 1)


def test_an_unknown_patient_is_ignored(rng):
    values = layout(rng)
    holed = np.concatenate([values, np.full((4, 1), np.nan)], axis=1)
    found = components_from_cases(holed, ~np.isnan(holed).any(0))
    expected = components_from_cases(values, known(values))
    assert np.array(found[:5]) == pytest.approx(np.array(expected[:5]), rel=1e-9)


def test_heavy_tails_lower_the_degrees_of_freedom_of_the_patients():
    light, heavy = np.linspace(-1, 1, 30), np.r_[np.zeros(29), 5.0]
    assert patients_df(light - light.mean(), np.array(30.0)) == 29
    kurtosis = scipy_stats.kurtosis(heavy)
    assert patients_df(heavy - heavy.mean(), np.array(30.0)) == pytest.approx(29 / (1 + kurtosis / 2))
    assert patients_df(np.full(5, 1e-17), np.array(5.0)) == 4


def test_the_seed_variances_of_two_rows_add_up():
    parts = VarianceComponents(*np.array([[0.0], [2.0], [0.5], [9.0], [2.0]]))
    found = components_of_difference(np.array([1.0]), np.array([9.0]), parts, parts)
    assert (found.patients, found.seeds, found.interaction, found.n) == (1, 4, 1, 9)
    assert found.df == 4  # Satterthwaite with two equal variances: 2 + 2


def test_arrays_are_stacked_by_shape_and_keep_their_order():
    arrays = [np.full((2, 3), 0.0), np.full((1, 3), 1.0), np.full((2, 3), 2.0)]
    found = {tuple(rows): stacked[:, 0, 0].tolist() for rows, stacked in stack_equal_shapes(arrays)}
    assert found == {(1,): [1.0], (0, 2): [0.0, 2.0]}
