"""The contract of a metric: its view, its names, and the former name of one attribute."""

import warnings

import numpy as np
import pytest

from tests.helpers.masks import box, case
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import Metric, View, metric_name
from uad_bench.evaluate.metrics.voxel import AveragePrecision, Dice


def test_names_say_how_cases_were_combined():
    assert metric_name(AveragePrecision, "case") == "ap.case"
    assert metric_name(AveragePrecision, "pooled") == "ap.pooled"
    assert metric_name(Dice, "case", "oracle_case") == "dice@oracle_case"
    assert metric_name(Dice, "pooled", "oracle_set") == "dice.pooled@oracle_set"


def test_a_prediction_is_the_brain_at_or_above_the_threshold_after_post_processing():
    brain = box(((0, 6), (0, 11), (0, 10)))
    one = case(box((1, 1, (0, 3)), (9, 9, 9)), box((1, 1, 1)), brain)
    assert np.array_equal(View.of_case(one, threshold=1.0).prediction, box((1, 1, (0, 3))))
    steps = (lambda mask: mask & box((1, 1, 1)), lambda mask: ~mask)
    processed = View(Curve.of_case(one), one, 1.0, steps).prediction
    assert np.array_equal(processed, ~box((1, 1, 1)))


def test_the_threshold_is_rounded_to_the_precision_of_the_map_as_the_curve_does():
    one = case(np.full((1, 1, 2), 0.1), np.array([[[True, False]]]))
    view = View.of_case(one, threshold=0.1)  # as float64 just below the float32 0.1
    assert view.prediction.all()
    assert view.curve.counts_at(0.1) == (1, 1, 0)
    assert not View.of_case(
        one, threshold=float(np.nextafter(np.float32(0.1), np.float32(1)))
    ).prediction.any()


def test_a_pool_and_a_view_without_threshold_have_no_prediction():
    one = case(box((1, 1, 1)), box((1, 1, 1)))
    assert View.of_case(one).prediction is None
    assert View(Curve.of_case(one), None, 0.5).prediction is None


def test_a_metric_has_no_value_in_the_forms_that_it_does_not_write():
    class Nothing(Metric):
        name = "nothing"

    metric, view = Nothing(), View.of_case(case(box((1, 1, 1)), box((1, 1, 1))))
    assert metric.case(view) is metric.pooled(view) is metric.keep(view) is metric.joined([]) is None


@pytest.mark.parametrize("measured", [True, False])
def test_the_former_attribute_ledger_still_works_and_warns(measured):
    with pytest.warns(DeprecationWarning, match=f"write per_stage = {measured}"):

        class Old(AveragePrecision):
            ledger = measured

    class Derived(Old):
        pass

    assert Old.per_stage is Derived.per_stage is measured


def test_the_former_attribute_ledger_can_be_read():
    with pytest.warns(DeprecationWarning, match="per_stage"):
        assert AveragePrecision.ledger is True
    with pytest.warns(DeprecationWarning, match="per_stage"):
        assert Metric().ledger is False


def test_a_new_metric_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class New(Metric):
            name, per_stage = "new", True

    assert New.per_stage


def test_the_former_field_cleanup_of_a_view_can_be_read():
    steps = (np.logical_not,)
    with pytest.warns(DeprecationWarning, match="prediction_steps"):
        assert View(Curve.pool([]), None, None, steps).cleanup == steps
