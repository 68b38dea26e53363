"""AUPRO against its definition, one case and pooled."""

import numpy as np
import pytest

from tests.helpers.metric_oracles import brute_aupro, scores_of
from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.aupro import Aupro05, Aupro30, aupro
from uad_bench.types import Scored


def case(seed, share=0.15):
    """A 5 x 5 x 4 case with ties and several lesions, some of them partly or wholly outside the brain."""
    rng = np.random.default_rng(seed)
    shape = (5, 5, 4)
    scores = scores_of(rng, 100).reshape(shape)
    return scores, rng.random(shape) < 0.8, rng.random(shape) < share


def curve(scores, brain, lesion):
    return Curve.of_case(Scored("a", scores, brain, lesion, (1, 1, 1)), regions=True)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_of_a_case_is_its_definition(limit):
    for seed in range(150):
        parts = case(seed)
        assert aupro(curve(*parts), limit) == pytest.approx(brute_aupro([parts], limit), abs=1e-12)


def test_aupro_of_a_pool_is_its_definition_in_any_order():
    for seed in range(60):
        parts = [case(1000 * k + seed, share) for k, share in enumerate((0.05, 0.2, 0.0))]
        curves = [curve(*part) for part in parts]
        found = aupro(Curve.pool(curves), 0.3)
        assert found == pytest.approx(brute_aupro(parts, 0.3), abs=1e-12)
        assert found == aupro(Curve.pool(curves[::-1]), 0.3)


def test_the_other_numbers_are_those_of_a_curve_without_regions():
    for seed in range(200):
        scored = Scored("a", *case(seed), (1, 1, 1), lost=3)
        with_regions, without = Curve.of_case(scored, regions=True), Curve.of_case(scored)
        assert np.array_equal(with_regions.positives, without.positives)
        assert with_regions.best_dice() == without.best_dice()
        assert with_regions.ap() == without.ap()


def test_a_lesion_outside_the_brain_has_recall_zero():
    brain, lesion = np.zeros((5, 5, 4), bool), np.zeros((5, 5, 4), bool)
    brain[:3], lesion[0, 0, 0], lesion[4, 4, 3] = True, True, True
    assert aupro(curve(lesion.astype(np.float32), brain, lesion), 0.3) == pytest.approx(0.5)


def test_constant_and_perfect_maps():
    _, _, lesion = case(0)
    brain = np.ones(lesion.shape, bool)
    assert aupro(curve(np.ones(lesion.shape, np.float32), brain, lesion), 0.3) == pytest.approx(0.15)
    assert aupro(curve(lesion.astype(np.float32), brain, lesion), 0.3) == pytest.approx(1)


def test_rounding_brings_no_perfect_map_above_1():
    for n in range(1, 20):
        lesion = np.concatenate([np.arange(size + 1) < size for size in range(1, n + 1)]).reshape(1, 1, -1)
        assert aupro(curve(lesion.astype(np.float32), np.ones_like(lesion), lesion), 0.3) <= 1


@pytest.mark.parametrize("metric", [Aupro30(), Aupro05()])
def test_the_metric_builds_regions_where_the_curve_has_none(metric):
    scored = Scored("a", *case(1), (1, 1, 1))
    found = metric.case(View(Curve.of_case(scored), scored)).value
    assert found == pytest.approx(brute_aupro([case(1)], metric.limit))
    assert metric.pooled(View(Curve.of_case(scored))) is None


@pytest.mark.parametrize(
    ("brain", "lesion", "reason"), [(0, 1, "empty_brain"), (1, 0, "no_positive"), (1, 1, "no_negative")]
)
def test_reasons(brain, lesion, reason):
    full = [np.full((2, 2, 2), bool(value)) for value in (brain, lesion)]
    scored = Scored("a", np.zeros((2, 2, 2), np.float32), *full, (1, 1, 1))
    assert Aupro30().case(View(Curve.of_case(scored, regions=True), scored)).reason == reason


def test_a_pool_of_no_brain_says_so():
    assert Aupro30().pooled(View(Curve.pool([]))).reason == "empty_brain"


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf])
def test_a_lesion_score_that_is_not_finite_is_refused(bad):
    scores, lesion = np.arange(8, dtype=np.float32).reshape(2, 2, 2), np.ones((2, 2, 2), bool)
    scores[1, 0, 1] = bad
    with pytest.raises(PluginError, match="NaN or infinite"):
        curve(scores, lesion, lesion)
