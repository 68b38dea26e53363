"""The threshold of a false-positive rate from passes over the scores, against the curve that keeps all scores."""

import numpy as np
import pytest

from tests.helpers.metric_oracles import draw
from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.quantile_search import RateThresholds
from uad_bench.evaluate.thresholds import lowest_at_rate


def searched(volumes, percents):
    """The search after all its passes over the volumes."""
    search = RateThresholds(percents)
    while not search.done:
        for volume in volumes:
            search.add(volume)
        search.end_pass()
    return search


def test_a_rate_in_passes_is_that_of_the_kept_curve():
    for seed in range(300):
        width = [np.float64, np.float32, np.float32, np.float16][seed % 4]
        parts = [draw(5 * seed + k) for k in range(4)]
        parts = [(scores.clip(-5e4, 5e4).astype(width) * width(1.1), lesion) for scores, lesion in parts]
        search, pool = RateThresholds([0, 1, 5, 50]), Curve.pool([Curve.of(*part) for part in parts])
        passes = 0
        while not search.done:
            for scores, lesion in parts[:: 1 - 2 * (passes % 2)]:
                search.add(scores[~lesion])
            search.end_pass()
            passes += 1
        assert passes <= (4 if width is np.float64 else 2)
        assert [search.threshold(p) for p in (0, 1, 5, 50)] == [
            lowest_at_rate(pool, p) for p in (0, 1, 5, 50)
        ]


def test_scores_in_one_volume_or_in_many_give_the_same_threshold():
    scores = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    whole, parts = searched([scores], [5]), searched(np.split(scores, 10), [5])
    assert whole.threshold(5) == parts.threshold(5)
    assert np.sum(scores >= whole.threshold(5)) == 50


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_threshold_is_the_next_number_of_the_same_precision(dtype):
    found = searched([np.array([1, 2, 3, 4], dtype)], [25]).threshold(25)
    assert found == np.nextafter(dtype(3), dtype(np.inf))


def test_without_a_negative_or_a_percentage_there_is_nothing_to_find():
    assert searched([np.zeros(0, np.float32)], [5]).threshold(5) is None
    assert RateThresholds([]).done


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(PluginError, match="NaN or infinite"):
        RateThresholds([5]).add(np.array([0, np.nan, 1], np.float32))
