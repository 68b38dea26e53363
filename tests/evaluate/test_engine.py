"""The rows of an evaluation: groups, forms, rules, reasons, order."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from uad_bench.errors import DataError, PluginError, UsageError
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.thresholds import Threshold, resolve
from uad_bench.evaluate.voxel import AveragePrecision, Dice, FalsePositiveRate, Prevalence
from uad_bench.types import Value

RULES = ("oracle_case", "oracle_set", "tune", "healthy_q98")
METRICS = (AveragePrecision(), Prevalence(), Dice(), FalsePositiveRate())


@pytest.fixture
def cases(scored):
    kinds = {"a": "ms", "b": "ms", "c": "tumour", "d": ""}
    return [
        *(scored(k, kind=v) for k, v in kinds.items()),
        scored("h1", healthy=True),
        scored("h2", healthy=True),
    ]


@pytest.fixture
def thresholds(scored, cases):
    validation = [scored(f"v{k}", healthy=True) for k in range(3)]
    return resolve(RULES, validation=validation, tune=[scored("t1"), scored("t2")], test=cases)


def by_name(rows):
    return {(row.group, row.metric): row for row in rows}


def ap(case):
    found, all_ = case.lesion_mask[case.brain_mask], np.count_nonzero(case.lesion_mask)
    return average_precision_score(found, case.map[case.brain_mask]) * found.sum() / all_


def test_groups_and_names(cases, thresholds):
    rows = by_name(evaluate(cases, METRICS, thresholds).set_rows)
    assert [g for g in dict.fromkeys(group for group, _ in rows)] == ["all", "ms", "tumour", "healthy"]
    assert [m for g, m in rows if g == "ms"] == [
        *("ap.case", "ap.pooled", "prevalence.case", "prevalence.pooled", "dice@oracle_case"),
        *("dice@oracle_set", "dice.pooled@oracle_set", "dice@tune", "dice.pooled@tune"),
        *("dice@healthy_q98", "dice.pooled@healthy_q98"),
    ]
    assert {m for g, m in rows if g == "healthy"} == {
        f"fpr{form}@{rule}" for form in ("", ".pooled") for rule in RULES[1:]
    }


def test_case_values_and_their_mean(cases, thresholds):
    result = evaluate(cases, METRICS, thresholds)
    values = {row.case_id: row.value for row in result.case_rows if row.metric == "ap"}
    assert values == {case.case_id: pytest.approx(ap(case)) for case in cases if not case.healthy}
    row = by_name(result.set_rows)["ms", "ap.case"]
    assert row.value == pytest.approx((values["a"] + values["b"]) / 2)
    assert (row.n, row.undefined, row.reason) == (2, 0, "")


def test_a_pool_holds_lesion_cases_only(cases, thresholds):
    row = by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "prevalence.pooled"]
    lesion = [case for case in cases if not case.healthy]
    voxels = sum(int(np.sum(case.brain_mask | case.lesion_mask)) for case in lesion)
    assert row.value == pytest.approx(sum(int(case.lesion_mask.sum()) for case in lesion) / voxels)
    assert row.n == 4


def test_healthy_scans_are_counted_against_the_threshold(cases, thresholds):
    rows = by_name(evaluate(cases, METRICS, thresholds).set_rows)
    at = thresholds["healthy_q98"].value
    inside = np.concatenate([case.map[case.brain_mask] for case in cases if case.healthy])
    assert rows["healthy", "fpr.pooled@healthy_q98"].value == pytest.approx(np.mean(inside >= at))


def test_oracles_are_ceilings_in_their_order(cases, thresholds):
    rows = by_name(evaluate(cases, METRICS, thresholds).set_rows)
    dice = [rows["all", f"dice@{rule}"].value for rule in ("oracle_case", "oracle_set", "healthy_q98")]
    assert dice[0] > max(dice[1:])
    pooled = [rows["all", f"dice.pooled@{rule}"].value for rule in ("oracle_set", "tune", "healthy_q98")]
    assert pooled[0] >= max(pooled[1:]) > 0


def test_the_order_of_the_cases_changes_nothing(cases, thresholds):
    assert evaluate(cases[::-1], METRICS, thresholds) == evaluate(iter(cases), METRICS, thresholds)


def test_a_case_without_a_lesion_is_undefined_and_counted(scored, cases, thresholds):
    result = evaluate([*cases, scored("e", lesion_voxels=0)], METRICS, thresholds)
    assert {r.reason for r in result.case_rows if r.case_id == "e"} == {"no_positive"}
    row = by_name(result.set_rows)["all", "ap.case"]
    assert (row.n, row.undefined, row.reason) == (4, 1, "no_positive")
    assert row.value == by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "ap.case"].value


def test_a_case_without_a_brain_is_left_out_and_counted(scored, cases, thresholds):
    full = by_name(evaluate(cases, METRICS, thresholds).set_rows)["all", "ap.pooled"]
    rows = by_name(evaluate([*cases, scored("e", brain=False)], METRICS, thresholds).set_rows)
    row = rows["all", "ap.pooled"]
    assert (row.value, row.n, row.undefined, row.reason) == (full.value, 4, 1, "empty_brain")


def test_a_rule_without_a_threshold_gives_its_reason(cases):
    rows = by_name(evaluate(cases, METRICS, resolve(["tune"])).set_rows)
    for key in (("all", "dice@tune"), ("all", "dice.pooled@tune"), ("healthy", "fpr@tune")):
        assert (rows[key].value, rows[key].n, rows[key].reason) == (None, 0, "no_tune")


def test_a_threshold_that_saw_a_test_case_is_refused(cases):
    with pytest.raises(DataError, match=r"\(a, h1\)"):
        evaluate(cases, METRICS, {"healthy_q98": Threshold("healthy_q98", 1.0, ("h1", "a", "x"))})


def test_the_same_case_twice_is_refused(cases):
    with pytest.raises(DataError, match=r"more than once \(b\)"):
        evaluate([*cases, cases[1]], METRICS, {})


def test_a_kind_may_not_be_called_as_a_group(scored):
    with pytest.raises(DataError, match="lesion kind"):
        evaluate([scored("a", kind="healthy")], METRICS, {})


def test_a_rule_without_an_entry_is_told(cases, thresholds):
    with pytest.raises(UsageError, match="did you mean healthy_q98"):
        evaluate(cases, METRICS, thresholds, ["healthy_q99"])


def test_a_map_that_is_not_finite_names_its_case(scored):
    case = scored("bad")
    case.map[3, 3, 3] = np.nan
    with pytest.raises(PluginError, match="case bad"):
        evaluate([case], METRICS, {})


class Broken(Metric):
    name = "broken"

    def case(self, view):
        return Value(float("nan"))


def test_a_metric_that_answers_nan_is_refused(cases):
    with pytest.raises(PluginError, match=r"metric broken gave nan \(case a\)"):
        evaluate(cases, [Broken()], {})
