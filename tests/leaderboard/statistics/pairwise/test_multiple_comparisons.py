"""Holm's correction against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from uad_bench.leaderboard.statistics.pairwise.multiple_comparisons import holm_correction


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(2).uniform(size=40) ** 3
    assert holm_correction(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)


def test_holm_does_not_count_missing_tests():
    found = holm_correction(np.array([0.01, np.nan, 0.04])).tolist()
    assert found == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
