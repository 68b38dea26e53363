"""The curve against scikit-learn and against brute force over every distinct score."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from tests.helpers.metric_oracles import brute_dice, draw
from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.types import Scored

FUZZ = 3200


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", range(4))
def test_ap_auroc_and_dice_equal_independent_references(block):
    for seed in range(block, FUZZ, 4):
        scores, lesion = draw(seed)
        curve = Curve.of(scores, lesion)
        if not lesion.any():
            assert curve.ap() is curve.auroc() is curve.best_dice() is curve.dice_at(0.0) is None
            continue
        assert curve.ap() == pytest.approx(average_precision_score(lesion, scores), abs=1e-12, rel=0)
        assert curve.best_dice() == brute_dice(scores, lesion)
        if lesion.all():
            assert curve.auroc() is None
        else:
            assert curve.auroc() == pytest.approx(roc_auc_score(lesion, scores), abs=1e-12, rel=0)


def test_counts_at_any_threshold_equal_a_comparison():
    for seed in range(300):
        scores, lesion = draw(seed)
        curve = Curve.of(scores, lesion, missed=2)
        for t in (*scores[:5], np.nextafter(scores[0], scores.dtype.type(np.inf)), float("inf"), 0.1):
            picked = scores >= t
            tp, fp = int(np.sum(picked & lesion)), int(np.sum(picked & ~lesion))
            assert curve.counts_at(float(t)) == (tp, fp, int(lesion.sum()) + 2 - tp)


@pytest.mark.filterwarnings("ignore")
def test_missed_voxels_are_positives_that_no_threshold_finds():
    for seed in range(400):
        scores, lesion = draw(seed)
        if not 0 < lesion.sum() < lesion.size:
            continue
        curve, found = Curve.of(scores, lesion, missed=3), int(lesion.sum())
        precision, recall, _ = precision_recall_curve(lesion, scores)
        ap = -np.sum(np.diff(recall * found / (found + 3)) * precision[:-1])
        assert curve.ap() == pytest.approx(ap, abs=1e-12)
        below = np.append(scores, np.full(3, -np.inf, np.float32)).clip(np.finfo(np.float32).min)
        auroc = roc_auc_score(np.append(lesion, [True] * 3), below)
        assert curve.auroc() == pytest.approx(auroc, abs=1e-12)
        assert curve.best_dice() == brute_dice(scores, lesion, missed=3)
        assert curve.prevalence == (found + 3) / (scores.size + 3)


def test_a_lesion_wholly_outside_the_brain_scores_zero():
    curve = Curve.of(np.ones(5, np.float32), np.zeros(5, bool), missed=4)
    assert (curve.ap(), curve.auroc(), curve.best_dice()) == (0.0, 0.0, (0.0, float("inf")))
    assert curve.counts_at(0.5) == (0, 5, 4)
    assert curve.dice_at(float("inf")) == 0.0


def test_of_case_counts_inside_the_brain_and_misses_outside():
    brain, lesion = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
    brain[1:3, 1:3, 1:3], lesion[1:4, 1, 1] = True, True
    curve = Curve.of_case(Scored("a", brain.astype(np.float32), brain, lesion, (1, 1, 1), lost=5))
    assert (curve.n_found, curve.missed, curve.n_positive, curve.n_negative, curve.n_brain) == (2, 6, 8, 6, 8)


def numbers(curve):
    return curve.ap(), curve.auroc(), curve.best_dice(), curve.counts_at(0.1), curve.prevalence


@pytest.mark.parametrize("batch", [1, 50, 1 << 26])
def test_a_pool_equals_the_concatenation_in_any_order(monkeypatch, batch):
    monkeypatch.setattr("uad_bench.evaluate.curves.curve._BATCH", batch)
    for seed in range(100):
        parts = [draw(1000 + 7 * seed + k) for k in range(6)]
        curves = [Curve.of(*part, missed=k) for k, part in enumerate(parts)]
        together = Curve.of(*(np.concatenate(x) for x in zip(*parts, strict=True)), missed=15)
        assert numbers(Curve.pool(curves)) == numbers(together)
        assert numbers(Curve.pool(curves[::-1])) == numbers(together)


def test_an_empty_pool_has_no_numbers():
    assert numbers(Curve.pool([])) == (None, None, None, (0, 0, 0), None)


def test_a_split_gives_the_same_curve_and_does_not_change_its_inputs():
    scores, lesion = draw(3)
    positives, negatives = scores[lesion], scores[~lesion]
    kept = negatives.copy()
    assert numbers(Curve.from_split(positives, negatives)) == numbers(Curve.of(scores, lesion))
    assert np.array_equal(negatives, kept)


def test_scores_that_differ_only_in_float64_stay_different():
    curve = Curve.of(np.array([1.0, 1.0 + 1e-12]), np.array([False, True]))
    assert curve.auroc() == 1.0
    assert Curve.pool([curve, Curve.of(np.ones(1, np.float32), np.zeros(1, bool))]).auroc() == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 5])
def test_a_score_that_is_not_finite_is_refused(bad, index):
    scores = np.arange(10, dtype=np.float32)
    scores[index] = bad
    with pytest.raises(PluginError, match="NaN or infinite"):
        Curve.of(scores, np.arange(10) < 5)


def test_the_two_zeros_are_one_threshold():
    best = Curve.of(np.array([-0.0, -1], np.float32), np.array([True, False])).best_dice()
    assert str(best) == "(1.0, 0.0)"
