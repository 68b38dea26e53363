"""Cases combined by subject, against statsmodels' cluster-robust variance."""

import numpy as np
import pytest
from statsmodels.api import OLS

from tests.helpers.simulations import clustered_covers, pair_of_methods
from uad_bench.leaderboard.statistics.clusters import (
    influence_values,
    subject_indices,
    subject_means,
    subject_totals,
)
from uad_bench.leaderboard.statistics.variance_components import components_from_cases

SUBJECT = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])


def values(replicates=1):
    rng = np.random.default_rng(4)
    return 0.4 + rng.normal(0, 0.1, (replicates, 6))[:, SUBJECT] + rng.normal(0, 0.05, (replicates, 10))


def test_the_variance_is_cluster_robust_with_unequal_numbers_of_cases():
    y = values()
    fit = OLS(y[0], np.ones(10)).fit(cov_type="cluster", cov_kwds={"groups": SUBJECT})
    found = components_from_cases(influence_values(y, SUBJECT), np.ones(6, bool))
    assert found.patients == pytest.approx(fit.bse[0] ** 2, rel=1e-9) and found.n == 6


def test_the_mean_remains_that_over_the_defined_cases():
    y = values(3)
    y[1, [3, 4]] = np.nan  # subject 1 has no case left, subject 2 has one
    found = influence_values(y, SUBJECT)
    assert np.isnan(found).any(0).tolist() == [False, True, False, False, False, False]
    assert np.nanmean(found, 1) == pytest.approx(np.delete(y, [3, 4], 1).mean(1))


def test_equal_numbers_of_cases_give_subject_means():
    y, subject = values(2), np.repeat(np.arange(5), 2)
    means = y.reshape(2, 5, 2).mean(2)
    assert influence_values(y, subject) == pytest.approx(means)
    assert subject_means(y, subject) == pytest.approx(means)


def test_an_undefined_case_excludes_its_subject_from_tests():
    y = values()
    y[0, 4] = np.nan
    assert np.isnan(subject_means(y, SUBJECT)).tolist() == [[False, False, True, False, False, False]]


def test_one_case_per_subject_changes_nothing():
    y = values()
    subject = subject_indices(list("abcdefghij"), {"a": "x", "b": "y"})
    assert influence_values(y, subject) is y and subject_means(y, subject) is y
    assert subject_indices(["a1", "a2", "b"], {"a1": "a", "a2": "a"}).tolist() == [0, 0, 1]


def test_coverage_with_several_cases_per_subject():
    rng = np.random.default_rng(3)
    covered = np.mean([clustered_covers(rng, rng.integers(1, 4, 20), 3) for _ in range(1000)], axis=0)
    assert 0.925 <= covered[0] <= 0.975 and covered[1] < 0.9


def test_a_subject_with_most_cases_makes_no_claim_between_equal_methods():
    """Influence values are nearly equal whatever the difference of the dominant subject is: their test claims it."""
    rng = np.random.default_rng(5)
    found = np.array([pair_of_methods(rng, [60, *[1] * 11], 0.0) for _ in range(200)])
    (totals, influence), _ = found.mean(0).T
    assert totals <= 0.05 and influence > 0.4


def test_shares_of_subjects_have_the_mean_over_cases_and_change_sign_with_the_values():
    y = values(2)
    found = subject_totals(y, SUBJECT)
    assert found.shape == (2, 6) and found.mean(1) == pytest.approx(y.mean(1))
    assert subject_totals(-y, SUBJECT) == pytest.approx(-found)
    subject = subject_indices(list("abcdefghij"), {})
    assert subject_totals(y, subject) is y


def test_without_any_defined_case_everything_is_undefined():
    assert np.isnan(influence_values(np.full((2, 10), np.nan), SUBJECT)).all()
