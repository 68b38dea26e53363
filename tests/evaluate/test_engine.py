"""The rows of an evaluation: groups, forms, rules, reasons, order."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tests.evaluate.metrics.test_all_metrics import metrics
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
from uad_bench.evaluate.thresholds import Threshold, resolve
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


def test_every_undefined_count_has_a_reason(scored, thresholds):
    def clean(mask):
        return mask

    alike = [*metrics(), Size()]
    for cleanup in ((), (clean,)):
        result = evaluate([scored("a"), scored("e", brain=False)], alike, thresholds, cleanup=cleanup)
        bare = [row for row in result.set_rows if row.undefined and not row.reason]
        assert not bare
        pooled = by_name(result.set_rows)["all", "dice.pooled@oracle_set"]
        assert (pooled.n, pooled.undefined, pooled.reason) == (1, 1, "empty_brain")


class Size(Metric):
    """Keeps nothing of small brains, and says not why."""

    name = "brain_size"

    def keep(self, view):
        return view.curve.n_brain if view.curve.n_brain > 60 else None

    def joined(self, kept):
        return Value(float(sum(kept))) if kept else None


def test_evidence_that_was_not_kept_is_told(scored):
    small = scored("b")
    small.brain_mask[:, :, 2:] = False
    rows = by_name(evaluate([scored("a"), small, scored("e", brain=False)], [Size()], {}).set_rows)
    row = rows["all", "brain_size.pooled"]
    assert (row.value, row.n, row.undefined, row.reason) == (125.0, 1, 2, "empty_brain not_kept")


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


ALL = (*METRICS, AveragePrecisionGain(), Auroc(), PartialAuroc30(), Sensitivity05(), Aupro30())


def test_little_memory_changes_no_number(scored, cases, thresholds):
    cases = [*cases, scored("e", brain=False), scored("f", lesion_voxels=0)]
    kept, streamed = (evaluate(cases, ALL, thresholds, memory=m) for m in (1 << 29, 500))
    assert streamed == kept
    assert streamed.draws.keys() == kept.draws.keys()
    assert all(np.array_equal(kept.draws[key], streamed.draws[key], equal_nan=True) for key in kept.draws)


def test_little_memory_streams_and_goes_through_the_cases_twice(cases, thresholds, monkeypatch):
    passes = []

    class Cases(list):
        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    def go(*given, **options):
        streamed.append(given)
        return real(*given, **options)

    streamed, real = [], two_pass.SecondPass.go
    monkeypatch.setattr(two_pass.SecondPass, "go", go)
    evaluate(Cases(cases), METRICS, thresholds)
    assert not streamed
    passes.clear()
    evaluate(Cases(cases), METRICS, thresholds, memory=500)
    assert len(streamed) == 1
    assert len(passes) == 3  # one to see whether it is an iterator


def test_an_iterator_is_kept_whatever_it_needs(cases, thresholds):
    assert evaluate(iter(cases), ALL, thresholds, memory=0) == evaluate(cases, ALL, thresholds)


def test_a_case_that_changes_between_the_passes_is_told(scored, cases, thresholds):
    class Changing(list):
        def __iter__(self):
            self[0] = scored("a", kind="ms", lesion_voxels=20 + int(self[0].lesion_mask.sum()))
            return super().__iter__()

    with pytest.raises(DataError, match=r"second pass .*case a"):
        evaluate(Changing(cases), METRICS[:2], {}, memory=0)


class Largest(Metric):
    """The largest score of each brain, and of all."""

    name, population = "largest", "both"

    def case(self, view):
        return Value(self.keep(view))

    def keep(self, view):
        return float(view.scored.map[view.scored.brain_mask].max())

    def joined(self, kept):
        return Value(float(max(kept))) if kept else None

    def pooled(self, view):
        return Value(-1.0)


def test_a_metric_about_both_is_shown_each_group_with_all_healthy_scans(cases):
    result = evaluate(cases, [Largest()], {})
    largest = {c.case_id: float(c.map[c.brain_mask].max()) for c in cases}
    assert {r.case_id: r.value for r in result.case_rows} == largest
    rows = by_name(result.set_rows)
    assert {group for group, _ in rows} == {"all", "ms", "tumour"}
    for group, ids in (("all", "a b c d h1 h2"), ("ms", "a b h1 h2")):
        values = [largest[case_id] for case_id in ids.split()]
        assert rows[group, "largest.pooled"].value == max(values)  # and not what `pooled` says
        assert rows[group, "largest.case"].value == pytest.approx(np.mean(values))
        assert rows[group, "largest.pooled"].n == len(values)


class PooledBoth(AveragePrecision):
    name, population = "ap_both", "both"


@pytest.mark.parametrize("memory", [0, 1 << 29])
def test_a_pool_of_both_holds_the_healthy_scans_too(cases, memory):
    rows = by_name(evaluate(cases, [PooledBoth()], {}, memory=memory).set_rows)
    expected = Curve.pool([Curve.of_case(c) for c in cases if c.healthy or c.lesion_kind == "ms"]).ap()
    assert rows["ms", "ap_both.pooled"].value == expected


def test_strata_of_five_cases_are_groups_without_draws(scored, thresholds):
    sites = {"a": "HH", "b": "HH", "c": "HH", "d": "HH", "e": "HH", "f": "IOP", "g": "IOP"}
    cases = [replace(scored(k), strata={"site": v, "sex": "f"}) for k, v in sites.items()]
    result = evaluate([*cases, scored("h", healthy=True)], METRICS, {})
    rows = by_name(result.set_rows)
    assert list(dict.fromkeys(group for group, _ in rows)) == ["all", "sex=f", "site=HH"]
    chosen = by_name(evaluate(cases[:5], METRICS, {}).set_rows)
    assert rows["site=HH", "ap.pooled"].value == chosen["all", "ap.pooled"].value
    assert {group for group, _ in result.draws} == {"all"}


def test_strata_and_draws_can_be_left_out(scored, thresholds):
    cases = [replace(scored(k, kind="ms"), strata={"site": "HH"}) for k in "abcde"]
    full, bare = evaluate(cases, ALL, thresholds), evaluate(cases, ALL, thresholds, strata=False, draws=False)
    assert {row.group for row in full.set_rows} == {"all", "ms", "site=HH"}
    assert bare.set_rows == tuple(row for row in full.set_rows if row.group != "site=HH")
    assert full.draws
    assert not bare.draws


@pytest.mark.parametrize("workers", [1, 3])
def test_groups_that_share_cases_stream_as_they_are_kept(scored, thresholds, workers, monkeypatch):
    real = two_pass.count
    monkeypatch.setattr(two_pass, "count", lambda what, **options: real(what, **(options | {"batch": 900})))
    sites = [{"site": "ABC"[k % 3], "load": "low" if k < 9 else "high", "sex": "f"} for k in range(18)]
    cases = [replace(scored(f"c{k:02d}", kind=["x", "y"][k % 2]), strata=sites[k]) for k in range(18)]
    kept = evaluate(cases, ALL, thresholds)
    found = evaluate(cases, ALL, thresholds, memory=500, workers=workers)
    assert {row.group for row in kept.set_rows} >= {
        "all",
        "x",
        "y",
        "site=C",
        "load=low",
        "load=high",
        "sex=f",
    }
    assert found == kept
    assert all(np.array_equal(kept.draws[key], found.draws[key], equal_nan=True) for key in kept.draws)


@pytest.mark.parametrize("memory", [500, 1 << 29])
def test_sketches_bracket_the_pooled_value(scored, cases, thresholds, memory):
    cases = [*cases, scored("e", brain=False)]
    result = evaluate(cases, METRICS, thresholds, memory=memory, sketches=True)
    assert set(result.sketches) == {case.case_id for case in cases}
    stored = {name: sketch.to_bytes() for name, sketch in result.sketches.items()}
    lesion = [Sketch.of_bytes(stored[case.case_id]) for case in cases if not case.healthy]
    low, high = Sketch.merged(lesion).ap()
    assert low <= by_name(result.set_rows)["all", "ap.pooled"].value <= high
    assert not evaluate(cases, METRICS, thresholds).sketches


def test_draws_are_of_each_group_and_around_its_pooled_values(cases, thresholds):
    result = evaluate(cases, ALL, thresholds)
    names = ["ap.pooled", "prevalence.pooled", *(f"dice.pooled@{rule}" for rule in RULES[1:])]
    names += ["ap_gain.pooled", "auroc.pooled"]
    assert list(result.draws) == [(group, name) for group in ("all", "ms", "tumour") for name in names]
    rows = by_name(result.set_rows)
    for key, values in result.draws.items():
        assert values.shape == (1000,)
        assert values.min() - 1e-3 <= rows[key].value <= values.max() + 1e-3


def test_one_patient_draws_itself(cases, thresholds):
    result = evaluate(cases, ALL, thresholds)
    rows = by_name(result.set_rows)
    for (group, name), values in result.draws.items():
        if group == "tumour":
            assert values == pytest.approx(np.full(1000, rows[group, name].value), abs=1e-3)


def test_the_clean_up_reaches_the_prediction_once_a_rule(cases, thresholds):
    class Size(Metric):
        name, per_rule = "size", True

        def case(self, view):
            return Value(float(view.prediction.sum()))

    calls = []

    def nothing(mask):
        calls.append(mask)
        return mask & False

    result = evaluate(cases, [Size(), Size()], thresholds, ["tune"], cleanup=(nothing,))
    assert {row.value for row in result.case_rows} == {0.0}
    assert len(calls) == 4


class Broken(Metric):
    name = "broken"

    def case(self, view):
        return Value(float("nan"))


def test_a_metric_that_answers_nan_is_refused(cases):
    with pytest.raises(PluginError, match=r"metric broken gave nan \(case a\)"):
        evaluate(cases, [Broken()], {})
