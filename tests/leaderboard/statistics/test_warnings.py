"""Warnings on the limits of the statistics of a table."""

from dataclasses import replace

from tests.helpers.measured import CASE, IDS, measured
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue


def warnings(runs):
    return tables(runs)[0].warnings


def test_few_seeds_are_listed(make_runs):
    three, one, five = (warnings(make_runs({"ae": 0.5, "vae": 0.4}, seeds=n)) for n in (3, 1, 5))
    few = "ranks based on fewer than 5 seeds, which may change with more seeds"
    assert three == (f"{few}: ae (3), vae (3)",)
    assert one[1] == (
        "one seed, so that intervals and tests are over patients only and hold for these trained models, not for the "
        "methods: ae, vae"
    )
    assert five == ()


def test_a_deterministic_method_needs_no_further_seeds(make_runs):
    assert warnings(make_runs({"ae": 0.5}, seeds=1, deterministic=True)) == ()


def test_the_interval_of_folds_is_explained(make_runs, make_run):
    fold = warnings(make_runs({"ae": 0.5}, fold=2))
    assert "ae: 1 fold, 3 runs; the confidence interval is over seeds and patients, not over folds" in fold
    assert any("fewer than 5 seeds" in line for line in fold)
    runs = [make_run("ae", 0, fold=f, results={"phantom": measured(f, 0.5)}) for f in range(3)]
    assert warnings(runs) == (
        "ae: 3 folds; the confidence interval is over folds and patients, ± over seeds within folds",
    )
    assert (
        warnings(runs[:1])[-1] == "ae: 1 fold; the confidence interval is over patients only, not over folds"
    )


def test_f13_a_table_with_values_only_has_no_sentence_on_intervals_and_tests(make_run):
    """Three patients with two cases each, one seed, one fold."""
    cases = {f"{one}{session}": 0.5 for one in IDS[:3] for session in "ab"}
    number = {CASE: MetricValue(0.5, 6, 0)}
    subjects = {case: case[:-1] for case in cases}
    one = DatasetResults("ids", "fit", "{}", 6, 0, number, {"ap": cases}, subjects=subjects)
    (table,) = tables(
        [make_run(f, results={"phantom": one}, primary="ap.case", fold=1) for f in ("ae", "vae")]
    )
    assert table.values_only and (table.patients, table.lesion) == (3, 6)
    assert table.warnings == (
        "fewer than 10 patients with lesions: values only, without ranks, groups, intervals and tests; rows are in "
        "the order of their means",
        "ae: 1 fold; ± is over seeds within folds",
        "vae: 1 fold; ± is over seeds within folds",
    )
    assert any(fact.startswith("3 patients with lesions: values only") for fact in wording.facts(table))


def test_folds_that_all_failed_are_not_mentioned(make_run):
    runs = [make_run(), make_run("vae", fold=None), make_run("gan", fold=1, state="failed")]
    assert not any("gan" in line for line in warnings(runs))


def test_several_cases_per_subject_are_mentioned(make_run):
    once, subjects = measured(1, 0.5), {f"{one}{session}": one for one in IDS for session in "ab"}
    cases = {case: once.cases["ap"][one] for case, one in subjects.items()}
    values = {CASE: once.values[CASE]._replace(n=48)}
    sessions = replace(once, values=values, cases={"ap": cases}, draws={}, subjects=subjects)
    found = warnings([make_run(results={"phantom": sessions}, primary="ap.case")])
    assert any(line.startswith("48 cases of 24 subjects: ") for line in found)
    assert not any("subjects" in line for line in warnings([make_run(results={"phantom": once})]))


def test_missing_bootstrap_draws_are_mentioned_with_what_replaces_them(make_runs, make_run):
    runs = [replace(r, results={"phantom": replace(r.results["phantom"], draws={})})
            for r in make_runs({"ae": 0.5, "vae": 0.4})]  # fmt: skip
    assert "no bootstrap draws of ap.pooled in ae, vae: ranks are resampled by ap" in warnings(runs)
    assert "no bootstrap draws of ap.pooled in ae: ranks have no interval" in warnings([make_run()])
