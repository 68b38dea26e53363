"""Every built-in metric through the engine, on cases of every kind: a value in its range or a declared reason."""

import pytest

from tests.helpers.scored_cases import RULES, builtin_metrics, edge_cases, make_scored
from uad_bench.evaluate import engine
from uad_bench.evaluate.metrics.declarations.table import METRICS, REASONS
from uad_bench.evaluate.thresholds import Threshold, resolve

#: Reasons of a rule without a threshold, and of a pool.
OF_RULES_AND_POOLS = {
    "no_tune",
    "no_threshold",
    "no_positive",
    "no_negative",
    "no_case",
    "not_kept",
    "empty_brain",
}
RANGES = {"[0, 1]": (0, 1), "[0, ∞)": (0, float("inf")), "(−∞, 1]": (float("-inf"), 1)}


@pytest.fixture(scope="module")
def evaluated():
    cases = list(edge_cases())
    validation, tune = [make_scored("v", healthy=True)], [make_scored("t")]
    found = resolve(RULES, validation=validation, tune=tune, test=cases)
    return cases, engine.evaluate(cases, builtin_metrics(), found)


def declaration(row):
    return METRICS[row.metric.partition("@")[0].partition(".")[0]]


def test_every_case_has_a_value_or_a_reason(evaluated):
    cases, result = evaluated
    assert all((row.value is None) == bool(row.reason) for row in result.case_rows)
    assert {row.case_id for row in result.case_rows} == {case.case_id for case in cases}
    missed = {row.metric: row for row in result.case_rows if row.case_id == "missed"}
    assert missed["lesion_recall@tune"].value == missed["lesion_f1_iou10@tune"].value == 0


def test_values_lie_in_the_declared_range(evaluated):
    for row in (*evaluated[1].case_rows, *evaluated[1].set_rows):
        low, high = RANGES[declaration(row).value_range]
        assert row.value is None or low <= row.value <= high, row


def test_reasons_are_those_that_are_declared(evaluated):
    for row in evaluated[1].case_rows:
        declared = set(declaration(row).undefined)
        allowed = declared | (OF_RULES_AND_POOLS if "no_threshold" in declared else set())
        assert not row.reason or row.reason in allowed, row
    for row in evaluated[1].set_rows:
        assert set(row.reason.split()) <= set(declaration(row).undefined) | OF_RULES_AND_POOLS, row
        assert set(row.reason.split()) <= set(REASONS)


def test_every_declared_form_is_reported_and_no_other(evaluated):
    found = {}
    for row in evaluated[1].set_rows:
        name, _, form = row.metric.partition("@")[0].partition(".")
        found.setdefault(name, set()).add(form or "case")
    assert found == {name: set(one.forms) for name, one in METRICS.items()}


@pytest.mark.parametrize("reason", ["no_tune", "no_threshold"])
def test_a_rule_without_threshold_leaves_every_thresholded_metric_without_value(scored, reason):
    thresholded = [metric for metric in builtin_metrics() if metric.per_rule]
    nothing = {"tune": Threshold("tune", None, reason=reason)}
    result = engine.evaluate([scored("a"), scored("h", healthy=True)], thresholded, nothing)
    rows = [row for row in result.case_rows if not row.metric.startswith("detect_contrast")]
    assert {(row.value, row.reason) for row in rows} == {(None, reason)}
