"""The voxel metrics: values by hand, and reasons."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tests.helpers.scored_cases import builtin_metrics
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import MEMORY, evaluate
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.voxel import (
    ApWithHealthy,
    Auroc,
    AveragePrecision,
    AveragePrecisionGain,
    Dice,
    FalsePositiveRate,
    Prevalence,
    VoxelMetric,
)
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.types import Value

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
LESION = np.array([True, False, True, False, False])


def value_of(metric, scores=SCORES, lesion=LESION, missed=0, threshold=None):
    return metric.case(
        View(Curve.of(np.asarray(scores, np.float32), np.asarray(lesion), missed), None, threshold)
    )


def test_values_worked_out_by_hand():
    assert value_of(AveragePrecision()).value == pytest.approx((1 + 2 / 3) / 2)
    assert value_of(Prevalence()).value == 2 / 5
    assert value_of(AveragePrecisionGain()).value == pytest.approx((5 / 6 - 2 / 5) / (3 / 5))
    assert value_of(Auroc()).value == pytest.approx(5 / 6)
    assert value_of(Dice(), threshold=0.7).value == pytest.approx(4 / 5)
    assert value_of(FalsePositiveRate(), lesion=np.zeros(5, bool), threshold=0.8).value == 2 / 5


def test_a_constant_map_has_no_gain():
    flat = np.ones(5, np.float32)
    assert value_of(AveragePrecision(), flat).value == pytest.approx(2 / 5)
    assert value_of(AveragePrecisionGain(), flat).value == pytest.approx(0)
    assert value_of(Auroc(), flat).value == 0.5


@pytest.mark.parametrize(
    "metric", [AveragePrecision(), AveragePrecisionGain(), Auroc(), Prevalence(), Dice()]
)
def test_reasons_of_lesion_metrics(metric):
    assert value_of(metric, lesion=np.zeros(5, bool), threshold=0.5).reason == "no_positive"
    assert value_of(metric, [], np.zeros(0, bool), missed=2, threshold=0.5).reason == "empty_brain"


@pytest.mark.parametrize("metric", [AveragePrecisionGain(), Auroc()])
def test_a_brain_of_lesion_alone_has_no_negative(metric):
    value = value_of(metric, lesion=np.ones(5, bool))
    assert (value.value, value.reason) == (None, "no_negative")


@pytest.mark.parametrize("metric", [Dice(), FalsePositiveRate()])
def test_no_threshold_no_value(metric):
    assert value_of(metric).reason == "no_threshold"


def test_a_healthy_scan_without_brain_has_no_rate():
    assert value_of(FalsePositiveRate(), [], np.zeros(0, bool), threshold=0.5).reason == "empty_brain"


def _upper_half(mask):
    """A post-processing step that removes the lower half of a prediction."""
    kept = mask.copy()
    kept[:, :, :3] = False
    return kept


def test_dice_and_fpr_are_those_of_the_prediction_after_post_processing(scored):
    cases = [scored("a"), scored("b"), scored("h", healthy=True)]
    rules = {"tune": Threshold("tune", 0.5)}
    found = evaluate(cases, [Dice(), FalsePositiveRate()], rules, prediction_steps=(_upper_half,))
    rows = {(row.group, row.metric): row.value for row in found.set_rows}
    called = [_upper_half((case.map >= np.float32(0.5)) & case.brain_mask) for case in cases]
    both = sum(int((mask & case.lesion_mask).sum()) for mask, case in zip(called[:2], cases, strict=False))
    sizes = sum(
        int(mask.sum() + case.lesion_mask.sum()) for mask, case in zip(called[:2], cases, strict=False)
    )
    assert rows["all", "dice.pooled@tune"] == pytest.approx(2 * both / sizes)
    assert rows["healthy", "fpr@tune"] == pytest.approx(called[2].sum() / cases[2].brain_mask.sum())
    assert rows["healthy", "fpr.pooled@tune"] == rows["healthy", "fpr@tune"]
    assert ("all", "dice.pooled@tune") not in found.draws
    assert rows["all", "dice@tune"] != evaluate(cases, [Dice()], rules).set_rows[0].value


def test_ap_with_healthy_scans_is_that_of_all_voxels_together(scored):
    cases = [
        scored("a", kind="ms"),
        scored("b", kind="tumour"),
        scored("h", healthy=True),
        scored("i", healthy=True),
    ]
    rows = {(row.group, row.metric): row for row in evaluate(cases, [ApWithHealthy()], {}).set_rows}
    for group, members in {"all": cases, "ms": [cases[0], *cases[2:]]}.items():
        scores = np.concatenate([one.map[one.brain_mask] for one in members])
        lesion = np.concatenate([one.lesion_mask[one.brain_mask] for one in members])
        missed = sum(np.count_nonzero(one.lesion_mask & ~one.brain_mask) for one in members)
        expected = average_precision_score(lesion, scores) * lesion.sum() / (lesion.sum() + missed)
        assert rows[group, "ap_with_healthy.pooled"].value == pytest.approx(expected)
        assert rows[group, "ap_with_healthy.pooled"].n == len(members)


@pytest.mark.parametrize("memory", [MEMORY, 0])
@pytest.mark.parametrize("empty", [False, True])
def test_f6_without_a_healthy_brain_ap_with_healthy_is_not_that_of_lesion_cases(scored, memory, empty):
    cases = [scored("a"), scored("b")]
    cases += [scored("h", healthy=True, brain=False)] if empty else []
    rows = {row.metric: row for row in evaluate(cases, builtin_metrics(), {}, memory=memory).set_rows}
    found = rows["ap_with_healthy.pooled"]
    assert (found.value, found.n, found.undefined, found.reason) == (None, 0, len(cases), "no_healthy")
    assert rows["aupimo.pooled"].reason == rows["case_ap_max.pooled"].reason == "no_healthy"
    assert rows["ap.pooled"].value is not None


def test_f6_a_metric_of_a_plug_in_that_pools_both_populations_needs_a_healthy_scan(scored):
    class Highest(VoxelMetric):
        name, population = "highest", "both"

        def of(self, curve, threshold):
            return Value(1.0)

    lesion, healthy = scored("a"), scored("h", healthy=True)
    for cases, expected in (([lesion], None), ([lesion, healthy], 1.0)):
        rows = {row.metric: row for row in evaluate(cases, [Highest()], {}).set_rows}
        assert rows["highest.pooled"].value == expected and rows["highest.case"].value == 1.0
