"""Calibration against scikit-learn, and maps that are not probabilities."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from tests.helpers.masks import box, case, empty
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.calibration import Brier, ExpectedCalibrationError, reliability, summed

BOTH = [ExpectedCalibrationError(), Brier()]


def made(seed, low=0.0, high=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(low, high, (12, 11, 10)).astype(np.float32)
    return case(scores, rng.random(scores.shape) < scores**2, rng.random(scores.shape) < 0.8)


def flat(scored):
    return scored.lesion_mask[scored.brain_mask], scored.map[scored.brain_mask].astype(np.float64)


def test_bins_are_those_of_scikit_learn():
    scored = made(0)
    counts, (truth, scores) = reliability(scored), flat(scored)
    share, mean = calibration_curve(truth, scores, n_bins=15)
    assert np.allclose(counts.lesion / counts.voxels, share, atol=1e-12)
    assert np.allclose(counts.score / counts.voxels, mean, atol=1e-12)
    expected = np.sum(np.abs(share - mean) * counts.voxels) / truth.size
    value = ExpectedCalibrationError().case(View(None, scored))
    assert value.value == pytest.approx(expected)
    assert value.extra["lesion_03"] == pytest.approx(share[3])


def test_brier_is_that_of_scikit_learn():
    scored = made(1)
    assert Brier().case(View(None, scored)).value == pytest.approx(brier_score_loss(*flat(scored)))


@pytest.mark.parametrize("metric", BOTH)
def test_the_pool_is_one_set_of_voxels(metric):
    cases = [made(seed) for seed in range(3)]
    together = case(
        *(np.concatenate([getattr(c, name) for c in cases]) for name in ("map", "lesion_mask", "brain_mask"))
    )
    pooled = metric.joined([metric.keep(View(None, one)) for one in cases])
    assert pooled.value == pytest.approx(metric.case(View(None, together)).value)


@pytest.mark.parametrize("metric", BOTH)
def test_scores_outside_0_to_1_are_not_probabilities(metric):
    views = [View(None, made(0)), View(None, made(0, high=1.01)), View(None, made(0, low=-0.01))]
    assert [metric.case(v).reason for v in views] == ["", "no_probability", "no_probability"]
    assert metric.joined([metric.keep(v) for v in views]).reason == "no_probability"


@pytest.mark.parametrize("metric", BOTH)
def test_edges(metric):
    assert metric.case(View(None, case(box((1, 1, 1)), box((1, 1, 1))))).value == 0
    assert metric.case(View(None, case(~empty(), empty()))).value == 1
    without_brain = View(None, case(empty(), empty(), empty()))
    assert metric.case(without_brain).reason == "empty_brain"
    assert metric.keep(without_brain) is None
    assert metric.joined([]).reason == "empty_brain"
    assert summed([]).probability
