"""A metric under a rule: names, thresholds, views, and the check of what a metric returns."""

import numpy as np
import pytest

from uad_bench.errors import PluginError
from uad_bench.evaluate.curves.bootstrap import BootstrapCase, Resampled
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metric_queries import MetricQuery, metric_queries, views
from uad_bench.evaluate.metrics.lesion import LesionRecall
from uad_bench.evaluate.metrics.surface import Hd95
from uad_bench.evaluate.metrics.voxel import AveragePrecision, Dice, FalsePositiveRate
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.types import Value

TUNE, ORACLE = Threshold("tune", 0.5), Threshold("oracle_case", None, oracle=True)


class Returns(Metric):
    """A metric that returns what it was given."""

    name, per_rule = "returns", True

    def __init__(self, value):
        self.value = value

    def case(self, view):
        return self.value

    pooled = case

    def joined(self, kept):
        return self.value


def test_names_of_case_values_and_pooled_values():
    plain, per_rule = MetricQuery(AveragePrecision(), "", None), MetricQuery(Dice(), "tune", TUNE)
    assert (plain.name, plain.pooled_name, plain.shared_threshold) == ("ap", "ap.pooled", None)
    assert (per_rule.name, per_rule.pooled_name) == ("dice@tune", "dice.pooled@tune")
    assert per_rule.shared_threshold == 0.5


def test_metrics_without_rule_come_once_and_others_once_for_every_rule_that_applies():
    rules = {"tune": TUNE, "oracle_case": ORACLE}
    found = metric_queries([AveragePrecision(), Dice(), FalsePositiveRate()], rules)
    assert [query.name for query in found] == ["ap", "dice@tune", "dice@oracle_case", "fpr@tune"]


def test_the_pooled_curve_is_used_by_metrics_with_a_pooled_form_and_a_shared_threshold():
    assert MetricQuery(Dice(), "tune", TUNE).uses_pooled_curve
    assert not MetricQuery(Dice(), "oracle_case", ORACLE).uses_pooled_curve
    assert not MetricQuery(Hd95(), "tune", TUNE).uses_pooled_curve


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_refused_with_metric_and_place(bad):
    query, view = MetricQuery(Returns(Value(bad)), "tune", TUNE), View(Curve.pool([]))
    with pytest.raises(PluginError, match=rf"metric returns@tune returned {bad} \(case a\)"):
        query.case_value(view, "a")
    with pytest.raises(PluginError, match=r"\(pooled\)"):
        query.pooled_value(view.curve)
    with pytest.raises(PluginError, match=r"\(joined\)"):
        query.joined_value([])


def test_the_reason_of_the_rule_replaces_no_threshold_and_no_other_reason():
    rule = Threshold("tune", None, reason="no_tune")
    view = View(Curve.pool([]))
    assert (
        MetricQuery(Returns(Value(None, "no_threshold")), "tune", rule).case_value(view, "a").reason
        == "no_tune"
    )
    assert (
        MetricQuery(Returns(Value(None, "no_image")), "tune", rule).case_value(view, "a").reason == "no_image"
    )
    assert MetricQuery(Returns(None), "tune", rule).case_value(view, "a") is None


def test_nothing_is_pooled_over_thresholds_of_single_cases(scored):
    query, one = MetricQuery(LesionRecall(), "oracle_case", ORACLE), scored("a")
    assert query.kept(View.of_case(one, 0.5)) is None
    assert query.joined_value([np.ones(4)]) is None
    assert MetricQuery(LesionRecall(), "tune", TUNE).kept(View.of_case(one, 0.5)) is not None


def test_metrics_of_a_rule_share_a_view_and_each_case_has_its_own_best_threshold(scored):
    one = scored("a")
    curve = Curve.of_case(one)
    queries = metric_queries([Dice(), LesionRecall()], {"tune": TUNE, "oracle_case": ORACLE})
    found = views(one, curve, queries, prediction_steps=())
    assert found["tune"].threshold == 0.5
    assert found["oracle_case"].threshold == curve.best_dice()[1]
    assert set(found) == {"tune", "oracle_case"}


def test_resampled_values_are_those_of_voxel_metrics_only(scored):
    curves = [Curve.of_case(scored(name)) for name in "ab"]
    resampled = Resampled([BootstrapCase.of(c, [0.5]) for c in curves], Curve.pool(curves).points, draws=5)
    found = MetricQuery(Dice(), "tune", TUNE).resampled_values(resampled)
    assert np.array_equal(found, resampled.dice_at(0.5))
    assert MetricQuery(LesionRecall(), "tune", TUNE).resampled_values(resampled) is None
