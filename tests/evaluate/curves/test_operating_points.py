"""Partial areas and sensitivities against scikit-learn and the trapezoidal rule."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from tests.helpers.metric_oracles import brute_area, draw
from uad_bench.evaluate.curves.curve import Curve


def of_both_classes(n):
    """Random scores and lesions with at least one voxel of each class."""
    for seed in range(n):
        scores, lesion = draw(seed)
        if 0 < lesion.sum() < lesion.size:
            yield scores, lesion


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_partial_auroc_is_that_of_scikit_learn(limit):
    for scores, lesion in of_both_classes(1000):
        found = Curve.of(scores, lesion).points.partial_auroc(limit)
        expected = roc_auc_score(lesion, scores, max_fpr=limit)
        assert found == pytest.approx(expected, abs=1e-12, rel=0)


@pytest.mark.filterwarnings("ignore")
def test_missed_positives_take_their_share_of_the_partial_area():
    for scores, lesion in of_both_classes(300):
        fpr, tpr, _ = roc_curve(lesion, scores, drop_intermediate=False)
        share = lesion.sum() / (lesion.sum() + 2)
        area = brute_area(fpr, tpr * share, 0.3)
        points = Curve.of(scores, lesion, missed=2).points
        assert points.area(points.tp / points.n_positive, 0.3) == pytest.approx(area, abs=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("limit", [0.01, 0.05, 0.5])
def test_sensitivity_is_the_highest_of_a_threshold_within_the_limit(limit):
    for scores, lesion in of_both_classes(1000):
        fpr, tpr, _ = roc_curve(lesion, scores, drop_intermediate=False)
        assert Curve.of(scores, lesion).points.sensitivity(limit) == tpr[fpr <= limit].max()


def test_a_limit_that_is_met_exactly_is_kept():
    scores = np.array([1.0] + [2.0] * 3 + [0.0] * 57, np.float32)
    assert Curve.of(scores, scores == 1).points.sensitivity(3 / 60) == 1.0


def test_chance_and_perfection_of_the_partial_area():
    lesion = np.arange(100) < 10
    assert Curve.of(np.ones(100, np.float32), lesion).points.partial_auroc(0.3) == pytest.approx(0.5)
    assert Curve.of(lesion.astype(np.float32), lesion).points.partial_auroc(0.3) == pytest.approx(1)


@pytest.mark.parametrize("lesion", [np.zeros(4, bool), np.ones(4, bool)])
def test_one_class_alone_has_no_area(lesion):
    points = Curve.of(np.arange(4, dtype=np.float32), lesion).points
    assert points.partial_auroc(0.3) is points.sensitivity(0.05) is None


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_rows_computed_in_parts_of_any_size_give_the_same_bits(rows, monkeypatch):
    def numbers(points):
        recall = points.tp / points.n_positive
        areas = [points.area(recall, limit) for limit in (0.05, 1.0)]
        return points.ap(), points.auroc(), points.best_dice(), points.sensitivity(0.1), *areas

    tables = [Curve.of(scores, lesion, missed=1).points for scores, lesion in of_both_classes(100)]
    whole = [numbers(points) for points in tables]
    monkeypatch.setattr("uad_bench.evaluate.curves.operating_points._PART", rows)
    assert [numbers(points) for points in tables] == whole
