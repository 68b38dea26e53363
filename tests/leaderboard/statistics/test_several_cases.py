"""Tables in which subjects have several cases: one mean for ranks, differences, tests and resamples."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.measured import CASE, IDS, measured
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue


def rows(table):
    return {row.label: row for row in table.rows}


def test_values_of_several_cases_per_subject_are_listed_by_case(make_run):
    once, subjects = measured(1, 0.5), {f"{one}{session}": one for one in IDS for session in "ab"}
    cases = {case: once.cases["ap"][one] for case, one in subjects.items()}
    values = {CASE: once.values[CASE]._replace(n=48)}
    sessions = replace(once, values=values, cases={"ap": cases}, draws={}, subjects=subjects)
    runs = [make_run(m, results={"phantom": sessions}, primary="ap.case") for m in ("ae", "vae")]
    found = rows(tables(runs)[0])
    assert len(found["ae"].values) == 48 and found["vae"].to_best.n == 24


def of_visits(make_run, values, visits, seeds=3):
    """Runs of methods whose subjects have `visits` cases each; values: by method, the mean of each subject."""
    subjects = {f"s{s:02}v{v:02}": f"s{s:02}" for s, n in enumerate(visits) for v in range(n)}
    runs = []
    for method, means in values.items():
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            found = {one: means[int(subject[1:])] + rng.normal(0, 0.005) for one, subject in subjects.items()}
            mean = MetricValue(float(np.mean(list(found.values()))), len(found), 0)
            results = DatasetResults(
                "test",
                "fit",
                "",
                len(found),
                0,
                {CASE: mean},
                {"ap": found},
                {},
                {"all": frozenset(found)},
                subjects,
            )
            runs.append(make_run(method, seed=seed, results={"phantom": results}, primary="ap.case"))
    return runs


def test_the_difference_of_two_rows_is_that_of_their_printed_means_whatever_the_numbers_of_visits(make_run):
    """Two subjects with 12 scans are better in one method, ten with one scan in the other."""
    visits = [12, 12, *[1] * 10]
    many, few = np.array([True, True, *[False] * 10]), np.arange(12) / 100
    values = {"a": np.where(many, 0.5, 0.2) + few, "b": np.where(many, 0.4, 0.26) + few}
    (table,) = tables(of_visits(make_run, values, visits))
    found = rows(table)
    printed = found["b"].cells[CASE].mean - found["a"].cells[CASE].mean
    contrast = found["b"].to_best
    assert found["a"].rank == 1 and contrast.difference == pytest.approx(printed) and printed < 0
    assert contrast.low < printed < contrast.high and contrast.n == 12
    assert found["a"].rank_statistics.first > 0.5 and table.tau > 0


@pytest.mark.parametrize(("visits", "told"), [([60, *[1] * 11], "1.4"), ([1, 2, 3, 4, 5] * 4, "")])
def test_intervals_that_few_subjects_decide_are_marked(make_run, visits, told):
    (table,) = tables(of_visits(make_run, {"a": np.full(len(visits), 0.5)}, visits))
    found = [line for line in table.warnings if "too narrow" in line]
    assert len(found) == bool(told) and all(f"as much as {told} subjects" in line for line in found)


def test_a_claim_does_not_rest_on_the_one_subject_that_has_most_visits(make_run):
    visits = [60, *[1] * 11]
    values = {"a": np.array([0.5, *[0.2] * 11]), "b": np.array([0.4, *[0.26] * 11])}
    (table,) = tables(of_visits(make_run, values, visits))
    contrast = rows(table)["b"].to_best
    assert contrast.difference < 0 and contrast.p_holm > 0.2 and contrast.low < 0 < contrast.high


def test_patients_are_subjects_where_the_primary_metric_has_no_values_by_case(make_run):
    def table_of(visits):
        runs = of_visits(make_run, {"a": np.full(12, 0.5)}, visits)
        pooled = {("all", "apx.pooled"): MetricValue(0.5, 12, 0)}
        changed = [
            replace(
                run,
                primary="apx.pooled",
                results={k: replace(one, values=pooled, cases={}) for k, one in run.results.items()},
            )
            for run in runs
        ]
        return tables(changed)[0]

    assert table_of([1] * 12).patients == 12
    assert (table_of([3] * 4).patients, table_of([3] * 4).values_only) == (4, True)
