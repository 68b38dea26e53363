"""Cases put together by subject, beside statsmodels' cluster-robust variance."""

import numpy as np
import pytest
from statsmodels.api import OLS

from benchmarks.coverage import sessions_hold
from uad_bench.leaderboard.statistics.clusters import averaged, influence, places
from uad_bench.leaderboard.statistics.intervals import of_cases

WHICH = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])


def values(replicates=1):
    rng = np.random.default_rng(4)
    return 0.4 + rng.normal(0, 0.1, (replicates, 6))[:, WHICH] + rng.normal(0, 0.05, (replicates, 10))


def test_the_variance_is_the_cluster_robust_one_also_with_unequal_subjects():
    y = values()
    fit = OLS(y[0], np.ones(10)).fit(cov_type="cluster", cov_kwds={"groups": WHICH})
    parts = of_cases(influence(y, WHICH), np.ones(6, bool))
    assert parts.patients == pytest.approx(fit.bse[0] ** 2, rel=1e-9) and parts.n == 6


def test_the_mean_stays_that_over_the_defined_cases():
    y = values(3)
    y[1, [3, 4]] = np.nan  # subject 1 has no case left, subject 2 has one
    found = influence(y, WHICH)
    assert np.isnan(found).any(0).tolist() == [False, True, False, False, False, False]
    assert np.nanmean(found, 1) == pytest.approx(np.delete(y, [3, 4], 1).mean(1))


def test_equal_numbers_of_cases_are_plain_averages():
    y, which = values(2), np.repeat(np.arange(5), 2)
    plain = y.reshape(2, 5, 2).mean(2)
    assert influence(y, which) == pytest.approx(plain) and averaged(y, which) == pytest.approx(plain)


def test_an_undefined_case_leaves_its_subject_out_of_tests():
    y = values()
    y[0, 4] = np.nan
    assert np.isnan(averaged(y, WHICH)).tolist() == [[False, False, True, False, False, False]]


def test_a_case_for_each_subject_changes_nothing():
    y = values()
    which = places(list("abcdefghij"), {"a": "x", "b": "y"})
    assert influence(y, which) is y and averaged(y, which) is y
    assert places(["a1", "a2", "b"], {"a1": "a", "a2": "a"}).tolist() == [0, 0, 1]


def test_coverage_with_several_cases_a_subject():
    rng = np.random.default_rng(3)
    held = np.mean([sessions_hold(rng, 20, 3) for _ in range(1000)], axis=0)
    assert 0.925 <= held[0] <= 0.975 and held[1] < 0.9


def test_nothing_known_is_no_number():
    assert np.isnan(influence(np.full((2, 10), np.nan), WHICH)).all()
