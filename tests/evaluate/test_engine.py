"""The engine: one pass or two, memory, order, resamples, score histograms, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.scored_cases import rows_by_name
from uad_bench.errors import DataError, PluginError, UsageError
from uad_bench.evaluate.curves import two_pass
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.aupro import Aupro30
from uad_bench.evaluate.metrics.voxel import (
    Auroc,
    AveragePrecision,
    AveragePrecisionGain,
    Dice,
    FalsePositiveRate,
    PartialAuroc30,
    Prevalence,
    Sensitivity05,
)
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.types import Value

METRICS = (AveragePrecision(), Prevalence(), Dice(), FalsePositiveRate())
ALL = (*METRICS, AveragePrecisionGain(), Auroc(), PartialAuroc30(), Sensitivity05(), Aupro30())


def assert_same_draws(one, other):
    assert one.draws.keys() == other.draws.keys()
    assert all(np.array_equal(one.draws[key], other.draws[key], equal_nan=True) for key in one.draws)


def test_oracle_rules_are_upper_bounds_in_their_order(cases, thresholds):
    rows = rows_by_name(evaluate(cases, METRICS, thresholds).set_rows)
    dice = [rows["all", f"dice@{rule}"].value for rule in ("oracle_case", "oracle_set", "healthy_q98")]
    assert dice[0] > max(dice[1:])
    pooled = [rows["all", f"dice.pooled@{rule}"].value for rule in ("oracle_set", "tune", "healthy_q98")]
    assert pooled[0] >= max(pooled[1:]) > 0


def test_f83_the_order_of_the_cases_changes_nothing(cases, thresholds):
    assert evaluate(cases[::-1], METRICS, thresholds) == evaluate(iter(cases), METRICS, thresholds)


def test_rules_choose_among_the_thresholds(cases, thresholds):
    result = evaluate(cases, METRICS, thresholds, ["tune"])
    assert set(result.thresholds) == {"tune"}
    assert {row.metric.partition("@")[2] for row in result.case_rows} == {"", "tune"}


def test_a_threshold_that_was_derived_from_a_test_case_is_refused(cases):
    with pytest.raises(DataError, match=r"\(a, h1\)"):
        evaluate(cases, METRICS, {"healthy_q98": Threshold("healthy_q98", 1.0, ("h1", "a", "x"))})


def test_the_same_case_twice_is_refused(cases):
    with pytest.raises(DataError, match=r"more than once \(b\)"):
        evaluate([*cases, cases[1]], METRICS, {})


def test_a_rule_without_an_entry_is_refused_with_the_nearest_name(cases, thresholds):
    with pytest.raises(UsageError, match="did you mean healthy_q98"):
        evaluate(cases, METRICS, thresholds, ["healthy_q99"])


def test_a_map_that_is_not_finite_names_its_case(scored):
    case = scored("bad")
    case.map[3, 3, 3] = np.nan
    with pytest.raises(PluginError, match="case bad"):
        evaluate([case], METRICS, {})


def test_f75_little_memory_changes_no_number(scored, cases, thresholds):
    cases = [*cases, scored("e", brain=False), scored("f", lesion_voxels=0)]
    kept, streamed = (evaluate(cases, ALL, thresholds, memory=m) for m in (1 << 29, 500))
    assert streamed == kept
    assert_same_draws(streamed, kept)


def test_f75_little_memory_reads_the_cases_twice(cases, thresholds, monkeypatch):
    passes, second_passes = [], []

    class Cases(list):
        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    def run(*given, **options):
        second_passes.append(given)
        return real(*given, **options)

    real = two_pass.SecondPass.run
    monkeypatch.setattr(two_pass.SecondPass, "run", run)
    evaluate(Cases(cases), METRICS, thresholds)
    assert not second_passes
    passes.clear()
    evaluate(Cases(cases), METRICS, thresholds, memory=500)
    assert len(second_passes) == 1
    assert len(passes) == 3  # one to find out whether it is an iterator


def test_an_iterator_is_kept_in_memory_whatever_it_needs(cases, thresholds):
    assert evaluate(iter(cases), ALL, thresholds, memory=0) == evaluate(cases, ALL, thresholds)


def test_a_case_that_changes_between_the_passes_is_refused(scored, cases):
    class Changing(list):
        def __iter__(self):
            self[0] = scored("a", kind="ms", lesion_voxels=20 + int(self[0].lesion_mask.sum()))
            return super().__iter__()

    with pytest.raises(DataError, match=r"second pass .*case a"):
        evaluate(Changing(cases), METRICS[:2], {}, memory=0)


def test_strata_and_draws_can_be_left_out(scored, thresholds):
    cases = [replace(scored(k, kind="ms"), strata={"site": "HH"}) for k in "abcde"]
    full, bare = evaluate(cases, ALL, thresholds), evaluate(cases, ALL, thresholds, strata=False, draws=False)
    assert {row.group for row in full.set_rows} == {"all", "ms", "site=HH"}
    assert bare.set_rows == tuple(row for row in full.set_rows if row.group != "site=HH")
    assert full.draws
    assert not bare.draws


@pytest.mark.parametrize("workers", [1, 3])
def test_groups_that_share_cases_have_the_same_numbers_in_one_pass_and_in_two(
    scored, thresholds, workers, monkeypatch
):
    real = two_pass.count_negatives
    monkeypatch.setattr(
        two_pass, "count_negatives", lambda what, **options: real(what, **(options | {"batch": 900}))
    )
    strata = [{"site": "ABC"[k % 3], "load": "low" if k < 9 else "high", "sex": "f"} for k in range(18)]
    cases = [replace(scored(f"c{k:02d}", kind=["x", "y"][k % 2]), strata=strata[k]) for k in range(18)]
    kept = evaluate(cases, ALL, thresholds)
    streamed = evaluate(cases, ALL, thresholds, memory=500, workers=workers)
    groups = {"all", "x", "y", "site=A", "site=B", "site=C", "load=low", "load=high", "sex=f"}
    assert {row.group for row in kept.set_rows} == groups
    assert streamed == kept
    assert_same_draws(streamed, kept)


@pytest.mark.parametrize("memory", [500, 1 << 29])
def test_score_histograms_bracket_the_pooled_value(scored, cases, thresholds, memory):
    cases = [*cases, scored("e", brain=False)]
    result = evaluate(cases, METRICS, thresholds, memory=memory, sketches=True)
    assert set(result.sketches) == {case.case_id for case in cases}
    lesion = [Sketch.of_bytes(result.sketches[case.case_id]) for case in cases if not case.healthy]
    low, high = Sketch.merged(lesion).ap()
    assert low <= rows_by_name(result.set_rows)["all", "ap.pooled"].value <= high
    assert not evaluate(cases, METRICS, thresholds).sketches


def test_draws_are_of_each_group_and_around_its_pooled_values(cases, thresholds):
    result = evaluate(cases, ALL, thresholds)
    rules = ("oracle_set", "tune", "healthy_q98")
    names = ["ap.pooled", "prevalence.pooled", *(f"dice.pooled@{rule}" for rule in rules)]
    names += ["ap_gain.pooled", "auroc.pooled"]
    assert list(result.draws) == [(group, name) for group in ("all", "ms", "tumour") for name in names]
    rows = rows_by_name(result.set_rows)
    for key, values in result.draws.items():
        assert values.shape == (1000,)
        assert values.min() - 1e-3 <= rows[key].value <= values.max() + 1e-3


def test_all_resamples_of_one_case_have_its_values(cases, thresholds):
    result = evaluate(cases, ALL, thresholds)
    rows = rows_by_name(result.set_rows)
    draws = {name: values for (group, name), values in result.draws.items() if group == "tumour"}
    assert draws.keys() >= {"ap.pooled", "auroc.pooled", "dice.pooled@tune"}
    for name, values in draws.items():
        assert values == pytest.approx(np.full(1000, rows["tumour", name].value), abs=1e-3)


def test_the_prediction_is_post_processed_once_for_all_metrics_of_a_rule(cases, thresholds):
    class Size(Metric):
        name, per_rule = "size", True

        def case(self, view):
            return Value(float(view.prediction.sum()))

    calls = []

    def nothing(mask):
        calls.append(mask)
        return mask & False

    result = evaluate(cases, [Size(), Size()], thresholds, ["tune"], prediction_steps=(nothing,))
    assert {row.value for row in result.case_rows} == {0.0}
    assert len(calls) == 4


def test_a_post_processed_prediction_has_no_draws(cases, thresholds):
    draws = evaluate(cases, METRICS, thresholds, prediction_steps=(lambda mask: mask,)).draws
    assert {name for _, name in draws} == {"ap.pooled", "prevalence.pooled"}


@pytest.mark.parametrize("memory", [1 << 20, 0])
def test_the_curves_for_figures_are_those_of_the_tables_and_keep_no_negatives(cases, thresholds, memory):
    found = evaluate(cases, [AveragePrecision()], thresholds, memory=memory, curves=True)
    lesion = [one for one in cases if not one.healthy and one.brain_mask.any()]
    assert set(found.curves) == {"all", *(one.lesion_kind for one in lesion if one.lesion_kind)}
    for group, curve in found.curves.items():
        whole = Curve.pool([Curve.of_case(one) for one in lesion if group in ("all", one.lesion_kind)])
        assert curve.ap() == whole.ap() == rows_by_name(found.set_rows)[group, "ap.pooled"].value
        assert not curve.negatives and curve.n_negative == whole.n_negative
        for rule in thresholds.values():
            if rule.value is not None:
                assert curve.counts_at(rule.value) == whole.counts_at(rule.value)
    assert not evaluate(cases, [AveragePrecision()], thresholds).curves
