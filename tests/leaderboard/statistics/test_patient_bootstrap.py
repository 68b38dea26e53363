"""Bootstrap over patients and the two-way bootstrap."""

import numpy as np
import pytest

from uad_bench.evaluate.curves.bootstrap import resamples
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means, two_way_bootstrap


def test_each_draw_is_the_mean_of_a_resample():
    values = np.random.default_rng(0).random((3, 12))
    counts = resamples(12, 50)
    expected = [[np.repeat(row, count).mean() for count in counts] for row in values]
    assert bootstrap_means(values, 50) == pytest.approx(np.array(expected), rel=1e-12)


def test_undefined_patients_are_excluded_from_each_resample():
    values = np.array([[0.5, np.nan, 0.5, 0.5]])
    assert bootstrap_means(values, 20) == pytest.approx(np.full((1, 20), 0.5))
    assert np.isnan(bootstrap_means(np.full((1, 3), np.nan), 5)).all()


def test_the_two_way_bootstrap_resamples_seeds_as_well():
    draws = np.repeat(np.array([[0.0], [1.0], [2.0]]), 30_000, axis=1)
    found = two_way_bootstrap(draws, seed=1)
    assert found.mean() == pytest.approx(1.0, abs=0.01)
    assert found.var() == pytest.approx(np.var([0, 1, 2]) / 3, rel=0.03)
    assert (found == two_way_bootstrap(draws, seed=1)).all()
