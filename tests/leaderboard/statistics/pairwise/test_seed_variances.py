"""Variances over seeds, moderated over the rows of a table."""

import numpy as np
import pytest
from scipy.special import polygamma

from uad_bench.leaderboard.statistics.pairwise.seed_variances import _inverse_trigamma, moderated
from uad_bench.leaderboard.statistics.variance_components import VarianceComponents


def parts(variances, seeds=3):
    variances = np.asarray(variances, float)
    ones = np.ones(len(variances))
    return VarianceComponents(ones, variances / seeds, 0 * ones, 30 * ones, (seeds - 1) * ones)


def test_small_variances_are_raised_and_none_is_lowered():
    given = np.random.default_rng(0).chisquare(2, 12) / 2
    found = moderated(parts(given)).seeds * 3
    assert (found >= given - 1e-12).all() and found.min() > 3 * given.min()


def test_rows_that_truly_differ_are_hardly_changed():
    given = np.array([1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4])
    found = moderated(parts(given, seeds=10))
    assert found.seeds * 10 == pytest.approx(given, rel=0.3, abs=1e-5) and found.df.max() < 10


def test_deterministic_rows_and_small_tables_stay_as_they_are():
    found = moderated(parts([0, 0, 0.2, 0.3, 0.4]))
    assert found.seeds[:2].tolist() == [0, 0] and found.df[:2].tolist() == [2, 2]
    two = parts([0.1, 0.4])
    assert moderated(two) is two


@pytest.mark.parametrize("x", [0.01, 0.5, 3.0, 200.0])
def test_the_inverse_of_trigamma(x):
    assert _inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-8)
