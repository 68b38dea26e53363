"""Toy cases are valid input: masks and maps on one grid, lesions of every kind, equal at every call."""

import numpy as np
import pytest

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metrics.connected_components import Components
from uad_bench.testing.toy_cases import (
    toy_cohort,
    toy_scored,
    toy_volumes,
    with_scores,
    without_brain,
    without_lesion,
)


def test_a_scored_case_has_four_lesions_one_of_them_partly_outside_the_brain():
    scored = toy_scored()
    lesions = Components.of(scored.lesion_mask)
    assert sorted(int(size) for size in lesions.sizes) == [1, 7, 33, 257]
    outside = int((scored.lesion_mask & ~scored.brain_mask).sum())
    assert 0 < outside < 257
    assert Curve.of_case(scored).missed == outside + scored.lost
    assert scored.map.dtype == np.float32 and scored.map.min() == 0 and scored.map.max() <= 1
    assert not scored.map[~scored.brain_mask].any()


def test_lesions_have_higher_scores_and_some_scores_are_equal():
    scored = toy_scored()
    curve = Curve.of_case(scored)
    assert 0.6 < curve.auroc() < 0.99
    assert np.unique(scored.map).size <= 65


def test_a_cohort_has_lesion_cases_and_healthy_cases_with_unique_ids():
    cohort = toy_cohort()
    assert [scored.healthy for scored in cohort] == [False, False, False, True, True]
    assert len({scored.case_id for scored in cohort}) == 5
    assert not any(scored.lesion_mask.any() or scored.lost for scored in cohort if scored.healthy)


def test_equal_calls_give_equal_cases_and_other_seeds_others():
    np.testing.assert_array_equal(toy_scored().map, toy_scored().map)
    assert not np.array_equal(toy_scored().map, toy_scored(seed=1).map)
    one, other = toy_volumes(), toy_volumes()
    np.testing.assert_array_equal(one.images["t1"].array, other.images["t1"].array)
    assert not np.array_equal(one.images["t1"].array, toy_volumes(seed=1).images["t1"].array)


def test_edge_cases_change_one_thing_each():
    scored = toy_scored()
    assert Curve.of_case(without_lesion(scored)).n_positive == 0
    assert Curve.of_case(without_brain(scored)).n_brain == 0
    ones = with_scores(scored, np.ones(scored.map.shape))
    assert ones.map[scored.brain_mask].min() == 1 and not ones.map[~scored.brain_mask].any()


def test_a_case_to_prepare_is_a_plausible_stripped_brain():
    case = toy_volumes()
    brain = case.brain()
    ml = float(brain.array.sum()) * brain.grid.voxel_ml
    assert ml == pytest.approx(1250, abs=5)
    lesion = case.lesion_mask
    assert float(lesion.array.sum()) * lesion.grid.voxel_ml == pytest.approx(4.1, abs=0.05)
    for image in case.images.values():
        assert image.array.dtype == np.float32 and np.isfinite(image.array).all()
        assert (image.array[brain.array] > 0).all() and not image.array[~brain.array].any()
    for mask in (case.lesion_mask, case.ignored):
        assert mask.array.dtype == bool and (mask.array & brain.array).sum() == mask.array.sum() > 0
    assert not (case.lesion_mask.array & case.ignored.array).any()


def test_a_healthy_case_to_prepare_has_no_lesion_masks():
    case = toy_volumes(healthy=True)
    assert case.lesion_mask is None and case.ignored is None
