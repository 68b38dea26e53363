"""Bins of the score: equal shares of positives, counts by bin, and sums that are exact for the pool itself."""

import numpy as np
import pytest

from tests.helpers.metric_oracles import draw
from uad_bench.evaluate.curves import score_bins
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.score_bins import (
    CoarseBins,
    at_least,
    by_bin,
    edges_of,
    negatives_below,
    precision_sum,
)


def curves(n=60):
    """Curves with positives and negatives."""
    for seed in range(n):
        scores, lesion = draw(seed)
        if 0 < lesion.sum() < lesion.size:
            yield Curve.of(scores.astype(np.float32), lesion)


def test_bins_have_equal_shares_of_the_positives(monkeypatch):
    monkeypatch.setattr(score_bins, "N_COARSE", 4)
    positives = np.arange(100, dtype=np.float32)
    assert edges_of(positives).tolist() == [0, 25, 50, 75]
    assert edges_of(positives[:3]).tolist() == [0, 1, 2]
    tied = np.sort(np.concatenate([np.zeros(60, np.float32), positives[1:41]]))
    assert edges_of(tied).tolist() == [0, 1, 16]  # a score of many positives fills several bins


def test_edges_are_known_before_a_negative_is_counted():
    for curve in curves():
        assert np.array_equal(CoarseBins.of(curve.points).edges, edges_of(curve.positives))


def test_an_increasing_transform_moves_no_positive_to_another_bin(monkeypatch):
    monkeypatch.setattr(score_bins, "N_COARSE", 8)
    positives = np.sort(np.random.default_rng(0).normal(size=100).round(1))
    assert np.array_equal(np.exp(edges_of(positives)), edges_of(np.exp(positives)))


def test_counts_at_edges_and_by_bin_equal_comparisons():
    runs = [np.array([0.0, 1, 1, 4]), np.array([1.0, 2, 9])]
    edges = np.array([1.0, 2, 5])
    above = at_least(runs, edges)
    assert above.tolist() == [sum(int((run >= edge).sum()) for run in runs) for edge in edges]
    assert by_bin([above, above], edges).tolist() == [[3, 2, 1]] * 2


@pytest.mark.parametrize("n_bins", [1, 2, 2048])
def test_sums_for_the_pool_itself_are_its_own_areas(monkeypatch, n_bins):
    monkeypatch.setattr(score_bins, "N_COARSE", n_bins)
    for curve in curves():
        bins = CoarseBins.of(curve.points)
        p = by_bin([at_least([curve.positives], bins.edges)], bins.edges)
        n = by_bin([at_least(curve.negatives, bins.edges)], bins.edges)
        shares = bins.shares(p[0], n[0])
        below = negatives_below(p, n, np.array([float(curve.n_negative)]), shares)[0]
        assert below / (curve.n_positive * curve.n_negative) == pytest.approx(curve.auroc(), abs=1e-12)
        if n_bins == 2048:  # a distinct score in each bin
            assert precision_sum(p, n, shares)[0] / curve.n_positive == pytest.approx(curve.ap(), abs=1e-12)


def test_a_pool_without_positives_has_no_bins():
    pool = Curve.of(np.ones(3, np.float32), np.zeros(3, bool))
    assert CoarseBins.of(pool.points).edges.size == edges_of(pool.positives).size == 0
