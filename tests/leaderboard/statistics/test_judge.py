"""From runs with values by case and draws to the statistics of a table."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.run_summary import Number
from uad_bench.leaderboard.run_summary import Tested as OnTest
from uad_bench.leaderboard.statistics.evidence import case_form
from uad_bench.leaderboard.statistics.intervals import patient_draws

IDS = [f"case{i:02d}" for i in range(24)]
AP, CASE = ("all", "ap.pooled"), ("all", "ap.case")


def measured(seed, mean, sd=0.02, n=24, hole=None):
    """A made-up test set; here the pooled metric is the mean over cases, so that both ways can be compared."""
    patients = np.random.default_rng(99).normal(0, 0.05, len(IDS))[:n]
    values = mean + patients + np.random.default_rng(seed).normal(0, sd, n)
    by_case = {one: None if one == hole else float(v) for one, v in zip(IDS, values, strict=False)}
    known = sum(value is not None for value in by_case.values())
    number = Number(float(values.mean()), known, n - known)
    draws = {AP: patient_draws(values, 1000)}
    return OnTest("ids", "fit", "{}", n, 0, {AP: number, CASE: number}, {"ap": by_case}, draws)


@pytest.fixture
def make(make_run):
    """A maker of runs of three seeds by method and mean."""

    def runs(means, seeds=3, **more):
        return [
            make_run(method, s, tested={"phantom": measured(100 * i + s, mean)}, **more)
            for i, (method, mean) in enumerate(means.items()) for s in range(seeds)
        ]  # fmt: skip

    return runs


MEANS = {"good": 0.6, "fair": 0.5, "twin": 0.5, "poor": 0.3}


def rows(table):
    return {row.label: row for row in table.rows}


def test_a_mean_over_cases_and_a_pool_that_is_one_have_the_same_interval(make):
    (table,) = tables(make(MEANS))
    for row in table.rows:
        pooled, case = row.cells[AP], row.cells[CASE]
        assert case.low < case.mean < case.high
        assert (pooled.low, pooled.high) == pytest.approx((case.low, case.high), abs=0.003)


def test_one_seed_and_a_deterministic_method_have_an_interval_over_patients(make_run):
    one = measured(1, 0.5)
    values = list(one.cases["ap"].values())
    mean, half = np.mean(values), stats.t.ppf(0.975, 23) * stats.sem(values)
    for more in ([make_run(tested={"phantom": one})],
                 [make_run(seed=s, tested={"phantom": one}, deterministic=True) for s in range(3)]):  # fmt: skip
        cell = tables(more)[0].rows[0].cells[CASE]
        assert (cell.low, cell.high) == pytest.approx((mean - half, mean + half), rel=1e-9)


def test_an_interval_stays_where_the_values_are(make_run):
    values = {"a": 0.0, "b": 0.0, "c": 0.1}
    one = OnTest("ids", "fit", "{}", 3, 0, {CASE: Number(0.1 / 3, 3, 0)}, {"ap": values})
    assert tables([make_run(tested={"phantom": one}, primary="ap.case")])[0].rows[0].cells[CASE].low == 0


def test_groups_and_healthy_cases_have_intervals_of_their_own(make_run):
    one = measured(1, 0.5)
    numbers = {("ms", "ap.case"): Number(0.5, 10, 0), ("healthy", "fpr@q98"): Number(0.1, 3, 0)}
    one = replace(
        one, numbers={**one.numbers, **numbers}, cases={**one.cases, "fpr@q98": {"h1": 0.0, "h2": 0.1, "h3": 0.2}},
        groups={"all": frozenset(IDS), "ms": frozenset(IDS[:10]), "healthy": frozenset({"h1", "h2", "h3"})},
    )  # fmt: skip
    cells = tables([make_run(tested={"phantom": one})])[0].rows[0].cells
    ms = list(one.cases["ap"].values())[:10]
    assert cells["ms", "ap.case"].high - 0.5 == pytest.approx(stats.t.ppf(0.975, 9) * stats.sem(ms))
    assert cells["healthy", "fpr@q98"].high == pytest.approx(0.1 + stats.t.ppf(0.975, 2) * 0.1 / 3**0.5)


def test_differences_are_to_the_leader_and_to_the_declared_baseline(make):
    runs = [replace(run, baseline=run.method == "poor") for run in make(MEANS)]
    (table,) = tables(runs)
    found = rows(table)
    assert found["good"].to_best is None and found["fair"].to_best.other == "good"
    assert found["poor"].to_baseline is None and found["good"].to_baseline.other == "poor"
    assert found["fair"].to_best.difference == pytest.approx(-0.1, abs=0.02)
    assert found["good"].to_baseline.metric == "ap" and found["good"].to_baseline.n == 24
    assert found["good"].to_baseline.p_holm == pytest.approx(3 / 10_001)


def test_only_patients_defined_for_both_are_paired(make_run):
    runs = [make_run("a", tested={"phantom": measured(1, 0.6, hole="case03")}),
            make_run("b", tested={"phantom": measured(2, 0.5)})]  # fmt: skip
    assert rows(tables(runs)[0])["b"].to_best.n == 23
    assert rows(tables(runs)[0])["a"].values["case03"] is None


def test_standings_tell_how_sure_a_rank_is(make):
    (table,) = tables(make(MEANS))
    found = {label: row.standing for label, row in rows(table).items()}
    assert found["good"][:4] == (1, 1, 1.0, "a") and found["poor"][:2] == (4, 4)
    assert set(found["fair"].letters) & set(found["twin"].letters)
    assert not set(found["good"].letters) & set(found["fair"].letters)
    assert found["good"].by_case == 1 and 0.6 < table.tau <= 1
    assert table.critical.n == 24 and table.critical.mean_ranks[0][0] == "good"


def test_a_rank_is_resampled_from_the_cases_where_there_are_no_draws(make):
    runs = [replace(r, tested={"phantom": replace(r.tested["phantom"], draws={})}) for r in make(MEANS)]
    (table,) = tables(runs)
    assert rows(table)["good"].standing[:3] == (1, 1, 1.0)
    assert any("no draws of ap.pooled" in line and line.endswith("by ap") for line in table.cautions)


def test_runs_of_before_have_a_table_without_statistics(make_run):
    (table,) = tables([make_run(), make_run("vae")])
    assert table.critical is None and table.tau is None
    assert all((row.standing, row.to_best, row.cells[AP].low) == (None,) * 3 for row in table.rows)


def test_a_metric_that_no_case_has_says_nothing_of_cases(make):
    def emptied(one):
        return replace(one, cases={"ap": dict.fromkeys(IDS)}, numbers={AP: one.numbers[AP]})

    runs = [replace(run, tested={"phantom": emptied(run.tested["phantom"])}) for run in make(MEANS)]
    (table,) = tables(runs)
    found = rows(table)
    assert table.critical is None and found["good"].standing[:4] == (1, 1, 1.0, "")
    assert (found["fair"].to_best.n, found["fair"].to_best.p) == (0, None)


def test_only_ranked_rows_are_judged(make, make_run):
    failed = make_run("good", 3, state="failed")
    found = rows(tables([*make(MEANS), failed])[0])
    assert found["good"].standing is None and found["good"].to_best is None
    assert found["fair"].standing is not None and found["good"].cells[AP].low is not None


def test_few_seeds_are_told(make):
    three, one, five = (tables(make({"ae": 0.5, "vae": 0.4}, seeds=n))[0].cautions for n in (3, 1, 5))
    assert any("fewer than 5 seeds" in line and "ae (3), vae (3)" in line for line in three)
    assert any("one seed" in line and "ae, vae" in line for line in one)
    assert five == ()


def test_folds_widen_the_interval_and_are_not_seeds(make_run):
    places = [(fold, seed) for fold in range(4) for seed in range(2)]
    runs = [
        make_run("ae", s, fold=f, tested={"phantom": measured(10 * f + s, 0.4 + 0.05 * f)}) for f, s in places
    ]
    (row,) = tables(runs)[0].rows
    cell = row.cells[AP]
    assert (row.folds, row.done, row.begun, cell.seeds) == (4, 8, 8, 8)
    assert cell.fold_sd == pytest.approx(np.std([0.4, 0.45, 0.5, 0.55], ddof=1), rel=0.1)
    assert cell.sd < 0.02 and cell.high - cell.low > 2 * 3 * cell.fold_sd / 2


def test_seeds_of_one_fold_are_replicates_as_without_folds(make):
    (plain,), (fold,) = tables(make({"ae": 0.5})), tables(make({"ae": 0.5}, fold=2))
    for name in (AP, CASE):
        assert fold.rows[0].cells[name].low == plain.rows[0].cells[name].low
    assert any("1 fold, 3 runs; the interval is over seeds and patients" in line for line in fold.cautions)
    assert any("fewer than 5 seeds" in line for line in fold.cautions)


def test_the_caution_is_worded_by_the_number_of_replicates(make_run):
    runs = [make_run("ae", 0, fold=f, tested={"phantom": measured(f, 0.5)}) for f in range(3)]
    assert not any("patients only" in line for line in tables(runs)[0].cautions)
    one = tables(runs[:1])[0].cautions
    assert any("one seed" in line for line in one) and any("other folds" in line for line in one)


def test_folds_that_all_failed_have_no_interval_to_tell_of(make_run):
    runs = [make_run(), make_run("vae", fold=None), make_run("gan", fold=1, state="failed")]
    assert not any("gan" in line for line in tables(runs)[0].cautions)


def test_cases_of_one_subject_are_no_independent_patients(make_run):
    once, subjects = measured(1, 0.5), {f"{one}{turn}": one for one in IDS for turn in "ab"}
    twice = {case: once.cases["ap"][one] for case, one in subjects.items()}
    number = once.numbers[CASE]._replace(n=48)
    again = replace(once, numbers={CASE: number}, cases={"ap": twice}, draws={}, subjects=subjects)
    runs = [
        [make_run(tested={"phantom": one}, primary="ap.case")] for one in (replace(once, draws={}), again)
    ]
    (one,), (two,) = map(tables, runs)
    assert two.rows[0].cells[CASE].low == pytest.approx(one.rows[0].cells[CASE].low, rel=1e-12)
    assert any(line.startswith("48 cases of 24 subjects") for line in two.cautions)
    assert len(two.rows[0].values) == 48 and not any("subjects" in line for line in one.cautions)


def test_a_mean_over_other_cases_than_those_known_has_no_interval_and_no_tests(make):
    def shifted(run):  # the mean counts six healthy cases that are not in the group
        one = run.tested["phantom"]
        numbers = {name: number._replace(n=30) for name, number in one.numbers.items()}
        return replace(run, tested={"phantom": replace(one, numbers=numbers, draws={})})

    (table,) = tables([shifted(run) for run in make(MEANS)])
    found = rows(table)["fair"]
    assert (found.cells[CASE].low, found.to_best, found.values, table.critical) == (None, None, {}, None)


def test_rows_of_the_ledger_have_no_interval(make):
    def told(run):
        one = run.tested["phantom"]
        more = {
            ("all", f"raw:{metric}"): Number(0.4, 24, 0) for metric in ("ap.case", "ap.pooled", "dice@tune")
        }
        return replace(run, tested={"phantom": replace(one, numbers={**one.numbers, **more})})

    cells = tables([told(run) for run in make(MEANS)])[0].rows[0].cells
    assert all((cell.low is None) == name[1].startswith("raw:") for name, cell in cells.items())


def test_a_leaky_row_is_no_baseline(make):
    runs = [replace(run, baseline=run.method in {"poor", "twin"}) for run in make(MEANS)]
    runs = [replace(run, marks=("leak x: y",)) if run.method == "twin" else run for run in runs]
    assert rows(tables(runs)[0])["good"].to_baseline.other == "poor"


@pytest.mark.parametrize(
    ("metric", "case"),
    [("ap.pooled", "ap"), ("ap.case", "ap"), ("dice@tune", "dice@tune"), ("dice.pooled@tune", "dice@tune")],
)
def test_each_number_has_a_form_by_case(metric, case):
    assert case_form(metric) == case


def test_equal_runs_give_equal_tables_in_any_order(make):
    runs = make(MEANS)
    shuffled = random.Random(3).sample(runs, len(runs))
    assert repr(tables(runs)) == repr(tables(shuffled))


def test_all_that_a_table_says_is_plain(make):
    (table,) = tables(make(MEANS))
    said = [vars(table.scheme), table.tau, table.critical, table.cautions]
    said += [
        (row.standing, row.to_best, row.cost, list(row.cells.values()), row.values) for row in table.rows
    ]
    assert json.dumps(said, allow_nan=False)
