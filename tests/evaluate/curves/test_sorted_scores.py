"""Sorted scores: distinct values, counts, integer keys, and the refusal of scores that are not finite."""

import numpy as np
import pytest

from tests.helpers.metric_oracles import scores_of
from uad_bench.errors import PluginError
from uad_bench.evaluate.curves import sorted_scores
from uad_bench.evaluate.curves.sorted_scores import add_counts, at_or_above, distinct, keys, refuse_nonfinite


def arrays(n=60):
    """Sorted scores of all kinds."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield np.sort(scores_of(rng, int(rng.integers(0, 50))))


def test_distinct_values_and_their_counts_are_those_of_numpy():
    for run in arrays():
        values, counts = np.unique(run, return_counts=True)
        found = distinct(run)
        assert np.array_equal(found[0], values)
        assert np.array_equal(found[1], counts)


@pytest.mark.parametrize("block", [1, 3, 1 << 12])
def test_counts_below_and_up_to_each_value_equal_a_comparison(monkeypatch, block):
    monkeypatch.setattr(sorted_scores, "_BLOCK", block)
    for run in arrays():
        values = np.unique(np.concatenate([run[::3], np.array([-0.5, 0.25], run.dtype)]))
        below, up_to = np.full(values.size, 7, np.int64), np.full(values.size, 9, np.int64)
        add_counts(run, values, below, up_to)
        assert below.tolist() == [7 + int(np.sum(run < value)) for value in values]
        assert up_to.tolist() == [9 + int(np.sum(run <= value)) for value in values]


def test_the_number_at_or_above_a_threshold_equals_a_comparison():
    for run in arrays():
        for threshold in (*run[:4].tolist(), 0.1, -0.1, float("inf")):
            assert at_or_above(run, threshold) == int(np.sum(run >= run.dtype.type(threshold)))


def test_keys_are_in_the_order_of_the_scores():
    scores = np.array([-3e38, -1, -1e-45, -0.0, 0.0, 1e-45, 1, 3e38], np.float32)
    found = keys(scores)
    assert found.dtype == np.uint32
    assert found[3] == found[4]
    assert np.array_equal(np.argsort(found, kind="stable"), np.arange(8))
    assert len(set(found.tolist())) == 7


def test_keys_of_float64_are_those_of_the_nearest_float32():
    scores = np.array([-1e300, 0.1, 1 + 1e-12, 1e300])
    with np.errstate(over="ignore"):
        rounded = scores.astype(np.float32)
    assert np.array_equal(keys(scores), keys(rounded))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused(bad):
    with pytest.raises(PluginError, match="NaN or infinite"):
        refuse_nonfinite(np.sort(np.array([0, bad, 1], np.float32)))
    refuse_nonfinite(np.array([0, 1], np.float32))
    refuse_nonfinite(np.array([], np.float32))
