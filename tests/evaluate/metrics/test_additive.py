"""Metrics made of counts: the value of a case, of a pool, and the reasons for none."""

import numpy as np
import pytest

from tests.helpers.masks import box, empty, view
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.additive import Counted, of_case, predicted, ratio, undefined
from uad_bench.types import Value

TRUTH = box((1, 1, (0, 4)))


class Share(Counted):
    """Predicted voxels over all voxels of the image."""

    name = "share"

    def counts(self, view):
        return np.array([view.prediction.sum(), view.prediction.size], np.float64)

    def of(self, sums):
        return ratio(sums[0], sums[1], "no_voxel")


class WithoutRule(Share):
    name, per_rule = "without_rule", False

    def counts(self, view):
        return np.array([view.scored.lesion_mask.sum(), 1], np.float64)


def test_the_pooled_value_is_that_of_the_summed_counts():
    small, large = view(box((0, 0, 0)), TRUTH), view(~empty((6, 5, 4)), empty((6, 5, 4)))
    metric = Share()
    assert metric.case(small).value == 1 / 1320
    assert metric.case(large).value == 1
    assert metric.joined([metric.keep(small), metric.keep(large)]).value == (1 + 120) / (1320 + 120)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (view(TRUTH, TRUTH, empty()), "empty_brain"),
        (view(TRUTH, TRUTH, threshold=None), "no_threshold"),
        (view(TRUTH, TRUTH), ""),
    ],
)
def test_reasons(seen, reason):
    assert undefined(seen) == reason
    assert (Share().case(seen).reason, Share().keep(seen) is None) == (reason, bool(reason))


def test_a_metric_without_rule_needs_no_threshold():
    assert WithoutRule().case(view(TRUTH, TRUTH, threshold=None)) == Value(4.0)
    assert WithoutRule().case(view(TRUTH, TRUTH, empty(), threshold=None)).reason == "empty_brain"


def test_a_pool_of_no_case_has_no_value():
    assert Share().joined([]) == Value(None, "no_case")


def test_a_ratio_with_nothing_below_the_line_has_the_given_reason():
    assert ratio(1, 4, "x") == Value(0.25)
    assert ratio(0, 0, "x") == Value(None, "x")


def test_a_pool_has_no_arrays_and_no_prediction():
    with pytest.raises(ValueError, match="that of a pool"):
        of_case(View(Curve.pool([])))
    with pytest.raises(ValueError, match="with a threshold"):
        predicted(view(TRUTH, TRUTH, threshold=None))
    assert of_case(view(TRUTH, TRUTH)).lesion_mask is TRUTH
