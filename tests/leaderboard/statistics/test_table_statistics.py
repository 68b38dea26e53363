"""Statistics of a table, from runs with per-case values and bootstrap draws."""

import json
import random
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.measured import CASE, IDS, POOLED, measured, simulated_runs
from uad_bench.leaderboard import aggregate
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.run_summary import MetricValue
from uad_bench.leaderboard.statistic_types import Scheme
from uad_bench.leaderboard.table import Table

MEANS = {"good": 0.6, "fair": 0.5, "equal": 0.5, "poor": 0.3}


def rows(table):
    return {row.label: row for row in table.rows}


def test_differences_are_to_the_best_row_and_to_the_declared_baseline(make_runs):
    runs = [replace(run, baseline=run.method == "poor") for run in make_runs(MEANS)]
    (table,) = tables(runs)
    found = rows(table)
    assert found["good"].to_best is None and found["fair"].to_best.other == "good"
    assert found["poor"].to_baseline is None and found["good"].to_baseline.other == "poor"
    assert found["fair"].to_best.difference == pytest.approx(-0.1, abs=0.02)
    assert found["good"].to_baseline.metric == "ap" and found["good"].to_baseline.n == 24
    assert found["good"].to_baseline.p == pytest.approx(1 / 200_001)
    assert found["good"].to_baseline.p_holm < 1e-6


def test_f1_every_column_has_its_p_values_from_one_family(make_runs):
    runs = [replace(run, baseline=run.method == "poor") for run in make_runs(MEANS)]
    found = rows(tables(runs)[0])
    assert found["poor"].to_best.p_holm == found["good"].to_baseline.p_holm
    assert found["fair"].to_best.p_holm <= 0.05
    for row in (found["fair"], found["equal"], found["poor"]):
        share = set(row.rank_statistics.letters) & set(found["good"].rank_statistics.letters)
        assert bool(share) == (row.to_best.p_holm > 0.05)


def _verdicts(table):
    """All that a table claims: ranks, groups, p values and intervals of differences, equivalence."""
    contrasts = [(row.to_best, row.to_reference, row.to_baseline) for row in table.rows]
    stated = [[one and one._replace(p=None) for one in three] for three in contrasts]
    return [(r.label, r.rank, r.rank_statistics, s) for r, s in zip(table.rows, stated, strict=True)]


def test_f2_another_flip_seed_changes_no_verdict_of_the_shipped_board(make_run, monkeypatch):
    """Patients and seeds are drawn with the means and deviations of the shipped board, which has no case values."""
    shipped = Path(__file__).parents[3] / "leaderboard" / "results" / "measured.csv.gz"
    runs = list(simulated_runs(make_run, shipped, test="phantom", metric="ap.case"))
    found = []
    for seed in (20211, 1, 2):
        monkeypatch.setattr(aggregate, "Table", partial(Table, scheme=Scheme(flips=2000, seed=seed)))
        found.append(tables(runs)[0])
    first, *others = found
    assert len(first.rows) >= 15 and first.rows[-1].rank_statistics.letters
    assert all(_verdicts(other) == _verdicts(first) for other in others)
    flips = [[row.to_best.p for row in one.rows if row.to_best] for one in found]
    assert flips[0] != flips[1] != flips[2]  # the flips did differ


def test_f5_rows_are_compared_with_the_strongest_of_baselines_and_controls(make_runs):
    runs = [
        replace(run, baseline=run.method == "poor", null=run.method == "fair") for run in make_runs(MEANS)
    ]
    found = rows(tables(runs)[0])
    assert found["good"].to_reference.other == "fair" and found["good"].to_baseline.other == "poor"
    assert found["fair"].rank is None and found["poor"].to_reference.p_holm <= 0.05


def test_f3_a_table_of_fewer_than_ten_patients_has_values_only(make_runs):
    def few(one):
        cases = {metric: dict(list(values.items())[:9]) for metric, values in one.cases.items()}
        values = {name: value._replace(n=9) for name, value in one.values.items()}
        return replace(one, cases=cases, values=values, lesion=9)

    runs = [replace(run, results={"phantom": few(run.results["phantom"])}) for run in make_runs(MEANS)]
    (table,) = tables(runs)
    assert table.values_only and table.tau is None and table.critical is None
    assert [row.label for row in table.rows][::3] == ["good", "poor"]
    for row in table.rows:
        assert (row.rank, row.rank_statistics, row.to_best, row.cells[POOLED].low) == (None,) * 4
        assert row.mean(POOLED) is not None
    assert table.warnings[0].startswith("fewer than 10 patients with lesions: values only")


def test_f9_a_method_that_is_declared_deterministic_is_checked(make_run):
    runs = [make_run("ae", s, results={"phantom": measured(s, 0.5)}, deterministic=True) for s in range(3)]
    (row,) = tables(runs)[0].rows
    assert not row.deterministic and row.cells[CASE].sd is not None
    assert any("its seeds give different values" in mark for mark in row.marks)


def test_f8_a_row_is_not_first_for_the_cases_that_it_lacks(make_run):
    hard = min(IDS, key=lambda one: measured(1, 0.5).cases["ap"][one])
    runs = [make_run("a", results={"phantom": measured(1, 0.5, undefined=hard)}, primary="ap.case"),
            make_run("b", results={"phantom": measured(1, 0.5)}, primary="ap.case")]  # fmt: skip
    one = runs[0].results["phantom"]
    mean = sum(v for v in one.cases["ap"].values() if v is not None) / 23
    values = {name: value._replace(value=mean - 0.0001) for name, value in one.values.items()}
    cases = {"ap": {k: None if v is None else v - 0.0001 for k, v in one.cases["ap"].items()}}
    runs[0] = replace(runs[0], results={"phantom": replace(one, values=values, cases=cases)})
    (table,) = tables(runs)
    found = rows(table)
    assert found["a"].mean(CASE) > found["b"].mean(CASE)
    assert (found["b"].rank, found["a"].rank) == (1, 2) and found["a"].to_best.difference < 0
    assert any(text.endswith("over the defined cases: a (1)") for text in table.warnings)


def test_f8_a_case_that_a_row_lacks_counts_as_the_lowest_value_of_any_row(make_run):
    runs = [make_run("a", results={"phantom": measured(1, 0.6, undefined="case03")}),
            make_run("b", results={"phantom": measured(2, 0.5)})]  # fmt: skip
    found = rows(tables(runs)[0])
    assert found["b"].to_best.n == 24 and found["a"].values["case03"] is None


def _lacking(one, cases):
    """The same results without a value of these cases, for a primary metric that is a mean over cases."""
    by_case = {case: None if case in cases else value for case, value in one.cases["ap"].items()}
    known = [value for value in by_case.values() if value is not None]
    values = {CASE: MetricValue(sum(known) / len(known), len(known), len(cases))}
    return replace(one, values=values, cases={"ap": by_case}, draws={})


def test_f2_a_row_is_not_equivalent_for_the_cases_that_it_lacks(make_run):
    """Of two rows, one has a value of four cases only: all other differences are 0 by the replacement."""
    full, few = measured(1, 0.5, sd=0.001), measured(2, 0.5, sd=0.001)
    runs = [make_run("full", results={"phantom": _lacking(full, [])}, primary="ap.case"),
            make_run("same", results={"phantom": _lacking(few, [])}, primary="ap.case")]  # fmt: skip
    (compared,) = [row.to_best for row in tables(runs)[0].rows if row.to_best]
    assert compared.p_equal < 1e-6
    runs[1] = replace(runs[1], results={"phantom": _lacking(few, IDS[4:])})
    (table,) = tables(runs)
    (compared,) = [row.to_best for row in table.rows if row.to_best]
    assert compared.p_equal is None and compared.p_holm is not None
    assert any("not tested for equivalence" in line and line.endswith("same (20)") for line in table.warnings)


def test_f3_ranks_tests_and_warnings_complete_the_values_over_the_same_rows(make_run):
    """The control has the lowest value of the case that `a` lacks; a row with a leak takes no part."""
    one = measured(1, 0.5)

    def moved(by, case=None):
        ap = {key: case if key == "case03" and case is not None else value + by
              for key, value in one.cases["ap"].items()}  # fmt: skip
        return _lacking(replace(one, cases={"ap": ap}), [])

    runs = [make_run("a", results={"phantom": _lacking(moved(0.01), ["case03"])}, primary="ap.case"),
            make_run("b", results={"phantom": moved(0.0)}, primary="ap.case"),
            make_run("control", results={"phantom": moved(-0.3, 0.0)}, primary="ap.case", null=True),
            make_run("leaky", results={"phantom": _lacking(moved(0.2), ["case05"])}, primary="ap.case",
                     marks=("leak x: y",))]  # fmt: skip
    (table,) = tables(runs)
    found = rows(table)
    assert (found["b"].rank, found["a"].rank) == (1, 2) and found["a"].to_best.difference < 0
    assert [line.rpartition(": ")[2] for line in table.warnings if "undefined" in line] == ["a (1)"]


def test_a_row_with_a_leak_is_not_used_as_the_baseline(make_runs):
    runs = [replace(run, baseline=run.method in {"poor", "equal"}) for run in make_runs(MEANS)]
    runs = [replace(run, marks=("leak x: y",)) if run.method == "equal" else run for run in runs]
    assert rows(tables(runs)[0])["good"].to_baseline.other == "poor"


def test_rank_statistics_describe_the_uncertainty_of_a_rank(make_runs):
    (table,) = tables(make_runs(MEANS))
    found = {label: row.rank_statistics for label, row in rows(table).items()}
    assert found["good"][:4] == (1, 1, 1.0, "a") and found["poor"][:2] == (4, 4)
    assert set(found["fair"].letters) & set(found["equal"].letters)
    assert not set(found["good"].letters) & set(found["fair"].letters)
    assert found["good"].by_case == 1 and 0.6 < table.tau <= 1
    assert table.critical.n == 24 and table.critical.mean_ranks[0][0] == "good"


def test_ranks_are_resampled_from_the_cases_where_there_are_no_draws(make_runs):
    runs = [
        replace(r, results={"phantom": replace(r.results["phantom"], draws={})}) for r in make_runs(MEANS)
    ]
    (table,) = tables(runs)
    assert rows(table)["good"].rank_statistics[:3] == (1, 1, 1.0)


def test_runs_without_cases_and_draws_have_a_table_without_statistics(make_run):
    (table,) = tables([make_run(), make_run("vae")])
    assert table.critical is None and table.tau is None
    assert all((row.rank_statistics, row.to_best, row.cells[POOLED].low) == (None,) * 3 for row in table.rows)


def test_a_metric_that_is_undefined_in_every_case_has_no_tests(make_runs):
    def emptied(one):
        return replace(one, cases={"ap": dict.fromkeys(IDS)}, values={POOLED: one.values[POOLED]})

    runs = [replace(run, results={"phantom": emptied(run.results["phantom"])}) for run in make_runs(MEANS)]
    (table,) = tables(runs)
    found = rows(table)
    assert table.critical is None and found["good"].rank_statistics[:4] == (1, 1, 1.0, "")
    assert found["fair"].to_best is None


def test_a_mean_over_other_cases_has_no_interval_and_no_tests(make_runs):
    def shifted(run):  # the mean includes six healthy cases that are not in the group
        one = run.results["phantom"]
        values = {name: value._replace(n=30) for name, value in one.values.items()}
        return replace(run, results={"phantom": replace(one, values=values, draws={})})

    (table,) = tables([shifted(run) for run in make_runs(MEANS)])
    found = rows(table)["fair"]
    assert (found.cells[CASE].low, found.to_best, found.values, table.critical) == (None, None, {}, None)


def test_only_ranked_rows_are_compared(make_runs, make_run):
    failed = make_run("good", 3, state="failed")
    found = rows(tables([*make_runs(MEANS), failed])[0])
    assert found["good"].rank_statistics is None and found["good"].to_best is None
    assert found["fair"].rank_statistics is not None and found["good"].cells[POOLED].low is not None


def test_a_reference_with_a_failed_seed_is_neither_compared_nor_the_strongest(make_runs):
    runs = [replace(run, baseline=run.method in {"good", "poor"}) for run in make_runs(MEANS)]
    failed = [
        replace(
            run, state="failed", error="no memory", results={k: _empty(one) for k, one in run.results.items()}
        )
        if run.method == "good" and run.seed
        else run
        for run in runs
    ]
    found = rows(tables(failed)[0])
    assert found["good"].rank is None and found["good"].to_best is None
    assert found["fair"].to_baseline.other == "poor"
    assert rows(tables(runs)[0])["fair"].to_baseline.other == "good"


def test_rows_that_differ_by_rounding_share_a_rank_and_a_letter(make_runs):
    first = make_runs({"a": 0.5})
    second = [
        replace(run, method="b", results={test: _nudged(one) for test, one in run.results.items()})
        for run in first
    ]
    found = rows(tables([*first, *second])[0])
    assert [row.rank for row in found.values()] == [1, 1]
    assert found["a"].rank_statistics.letters == found["b"].rank_statistics.letters


def _empty(one):
    return replace(one, values={}, cases={}, draws={})


def _nudged(one):
    values = {name: value._replace(value=value.value + 1e-14) for name, value in one.values.items()}
    cases = {metric: {case: x + 1e-14 for case, x in found.items()} for metric, found in one.cases.items()}
    return replace(one, values=values, cases=cases)


def test_equal_runs_give_equal_tables_in_any_order(make_runs):
    runs = make_runs(MEANS)
    shuffled = random.Random(3).sample(runs, len(runs))
    assert repr(tables(runs)) == repr(tables(shuffled))


def test_all_statistics_can_be_written_as_json(make_runs):
    (table,) = tables(make_runs(MEANS))
    content = [vars(table.scheme), table.tau, table.critical, table.warnings]
    content += [
        (row.rank_statistics, row.to_best, row.cost, list(row.cells.values()), row.values)
        for row in table.rows
    ]
    assert json.dumps(content, allow_nan=False)
