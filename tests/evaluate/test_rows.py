"""Rows: names, means over cases, pooled values, how many cases are in them, and why others are not."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tests.helpers.scored_cases import builtin_metrics, rows_by_name
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.voxel import (
    ApWithHealthy,
    AveragePrecision,
    Dice,
    FalsePositiveRate,
    Prevalence,
)
from uad_bench.evaluate.thresholds import resolve
from uad_bench.types import Value

METRICS = (AveragePrecision(), Prevalence(), Dice(), FalsePositiveRate())


def ap_of(case):
    found, n_lesion = case.lesion_mask[case.brain_mask], np.count_nonzero(case.lesion_mask)
    return average_precision_score(found, case.map[case.brain_mask]) * found.sum() / n_lesion


def test_names_of_groups_and_metrics(cases, thresholds):
    rows = rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)
    assert list(dict.fromkeys(group for group, _ in rows)) == ["all", "ms", "tumour", "healthy"]
    assert [metric for group, metric in rows if group == "ms"] == [
        *("ap.case", "ap.pooled", "prevalence.case", "prevalence.pooled", "dice@oracle_case"),
        *("dice@oracle_set", "dice.pooled@oracle_set", "dice@tune", "dice.pooled@tune"),
        *("dice@healthy_q98", "dice.pooled@healthy_q98"),
    ]
    assert {metric for group, metric in rows if group == "healthy"} == {
        f"fpr{form}@{rule}" for form in ("", ".pooled") for rule in ("oracle_set", "tune", "healthy_q98")
    }


def test_case_values_and_their_mean(cases, thresholds):
    result = evaluate(cases, METRICS, thresholds)
    values = {row.case_id: row.value for row in result.case_rows if row.metric == "ap"}
    assert values == {case.case_id: pytest.approx(ap_of(case)) for case in cases if not case.healthy}
    row = rows_by_name(result.set_rows)["ms", "ap.case"]
    assert row.value == pytest.approx((values["a"] + values["b"]) / 2)
    assert (row.n, row.undefined, row.reason) == (2, 0, "")


def test_a_pool_has_lesion_cases_only(cases, thresholds):
    row = rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "prevalence.pooled"]
    lesion = [case for case in cases if not case.healthy]
    voxels = sum(int(np.sum(case.brain_mask | case.lesion_mask)) for case in lesion)
    assert row.value == pytest.approx(sum(int(case.lesion_mask.sum()) for case in lesion) / voxels)
    assert row.n == 4


@pytest.mark.parametrize("memory", [0, 1 << 28])
def test_a_pool_with_healthy_scans_is_not_mixed_up_with_a_kind(scored, cases, memory):
    plain = rows_by_name(evaluate(cases, [ApWithHealthy()], {}).set_rows)
    more = [*cases, scored("e", kind="ms and healthy")]
    found = rows_by_name(evaluate(more, [AveragePrecision(), ApWithHealthy()], {}, memory=memory).set_rows)
    assert found["ms", "ap_with_healthy.pooled"] == plain["ms", "ap_with_healthy.pooled"]


def test_the_false_positive_rate_is_that_of_the_healthy_scans(cases, thresholds):
    rows = rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)
    inside = np.concatenate([case.map[case.brain_mask] for case in cases if case.healthy])
    expected = np.mean(inside >= thresholds["healthy_q98"].value)
    assert rows["healthy", "fpr.pooled@healthy_q98"].value == pytest.approx(expected)


def test_a_case_without_a_lesion_is_undefined_and_counted(scored, cases, thresholds):
    result = evaluate([*cases, scored("e", lesion_voxels=0)], METRICS, thresholds)
    assert {row.reason for row in result.case_rows if row.case_id == "e"} == {"no_positive"}
    row = rows_by_name(result.set_rows)["all", "ap.case"]
    assert (row.n, row.undefined, row.reason) == (4, 1, "no_positive")
    assert row.value == rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "ap.case"].value


def test_a_case_without_a_brain_is_left_out_and_counted(scored, cases, thresholds):
    full = rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "ap.pooled"]
    row = rows_by_name(evaluate([*cases, scored("e", brain=False)], METRICS, thresholds).set_rows)[
        "all", "ap.pooled"
    ]
    assert (row.value, row.n, row.undefined, row.reason) == (full.value, 4, 1, "empty_brain")


@pytest.mark.parametrize("steps", [(), (lambda mask: mask,)])
def test_every_undefined_case_has_a_reason(scored, thresholds, steps):
    metrics = [*builtin_metrics(), BrainSize()]
    result = evaluate([scored("a"), scored("e", brain=False)], metrics, thresholds, prediction_steps=steps)
    assert not [row for row in result.set_rows if row.undefined and not row.reason]
    pooled = rows_by_name(result.set_rows)["all", "dice.pooled@oracle_set"]
    assert (pooled.n, pooled.undefined, pooled.reason) == (1, 1, "empty_brain")


class BrainSize(Metric):
    """Keeps nothing of small brains, and gives no reason."""

    name = "brain_size"

    def keep(self, view):
        return view.curve.n_brain if view.curve.n_brain > 60 else None

    def joined(self, kept):
        return Value(float(sum(kept))) if kept else None


def test_a_case_of_which_the_metric_keeps_nothing_has_the_reason_not_kept(scored):
    small = scored("b")
    small.brain_mask[:, :, 2:] = False
    cases = [scored("a"), small, scored("e", brain=False)]
    row = rows_by_name(evaluate(cases, [BrainSize()], {}).set_rows)["all", "brain_size.pooled"]
    assert (row.value, row.n, row.undefined, row.reason) == (125.0, 1, 2, "empty_brain not_kept")


def test_a_rule_without_a_threshold_gives_its_reason(cases):
    rows = rows_by_name(evaluate(cases, METRICS, resolve(["tune"])).set_rows)
    for key in (("all", "dice@tune"), ("all", "dice.pooled@tune"), ("healthy", "fpr@tune")):
        assert (rows[key].value, rows[key].n, rows[key].reason) == (None, 0, "no_tune")


class Largest(Metric):
    """The largest score of each brain, and of all of them."""

    name, population = "largest", "both"

    def case(self, view):
        return Value(self.keep(view))

    def keep(self, view):
        return float(view.scored.map[view.scored.brain_mask].max())

    def joined(self, kept):
        return Value(float(max(kept))) if kept else None

    def pooled(self, view):
        return Value(-1.0)


def test_a_metric_of_both_populations_gets_each_group_with_all_healthy_scans(cases):
    result = evaluate(cases, [Largest()], {})
    largest = {c.case_id: float(c.map[c.brain_mask].max()) for c in cases}
    assert {row.case_id: row.value for row in result.case_rows} == largest
    rows = rows_by_name(result.set_rows)
    assert {group for group, _ in rows} == {"all", "ms", "tumour"}
    for group, ids in (("all", "a b c d h1 h2"), ("ms", "a b h1 h2")):
        values = [largest[case_id] for case_id in ids.split()]
        assert rows[group, "largest.pooled"].value == max(values)  # `joined` comes before `pooled`
        assert rows[group, "largest.case"].value == pytest.approx(np.mean(values))
        assert rows[group, "largest.pooled"].n == len(values)


class PooledBoth(AveragePrecision):
    name, population = "ap_both", "both"


@pytest.mark.parametrize("memory", [0, 1 << 29])
def test_a_pool_of_both_populations_has_the_healthy_scans_too(cases, memory):
    rows = rows_by_name(evaluate(cases, [PooledBoth()], {}, memory=memory).set_rows)
    expected = Curve.pool([Curve.of_case(c) for c in cases if c.healthy or c.lesion_kind == "ms"]).ap()
    assert rows["ms", "ap_both.pooled"].value == expected
