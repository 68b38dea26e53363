"""Confidence intervals of the values of a table."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.helpers.measured import CASE, IDS, POOLED, measured
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.html import html_page
from uad_bench.leaderboard.render.render import render
from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue

MEANS = {"good": 0.6, "fair": 0.5, "equal": 0.5, "poor": 0.3}


def on_logit_scale(mean, half):
    """The delta method: the standard error of logit(mean) is that of the mean over mean (1 - mean)."""
    centre, width = np.log(mean / (1 - mean)), half / (mean * (1 - mean))
    return tuple(1 / (1 + np.exp(-(centre + sign * width))) for sign in (-1, 1))


def cells(runs):
    return tables(runs)[0].rows[0].cells


def test_a_mean_over_cases_and_an_equal_pooled_metric_have_the_same_interval(make_runs):
    (table,) = tables(make_runs(MEANS))
    for row in table.rows:
        pooled, case = row.cells[POOLED], row.cells[CASE]
        assert case.low < case.mean < case.high
        assert (pooled.low, pooled.high) == pytest.approx((case.low, case.high), abs=0.003)


def test_one_seed_and_a_deterministic_method_have_an_interval_over_patients(make_run):
    one = measured(1, 0.5)
    values = list(one.cases["ap"].values())
    df = 23 / (1 + max(stats.kurtosis(values), 0) / 2)
    mean, half = np.mean(values), stats.t.ppf(0.975, df) * stats.sem(values)
    for runs in ([make_run(results={"phantom": one})],
                 [make_run(seed=s, results={"phantom": one}, deterministic=True) for s in range(3)]):  # fmt: skip
        cell = cells(runs)[CASE]
        assert (cell.low, cell.high) == pytest.approx(on_logit_scale(mean, half), rel=1e-9)


@pytest.mark.parametrize(
    ("metric", "logit"),
    [("ap", True), ("dice@tune", True), ("ap_gain", False), ("hd95@tune", False), ("assd@tune", False),
     ("fp_volume@tune", False), ("fp_components@tune", False), ("of_a_plug_in", False)],
)  # fmt: skip
def test_f1_the_declared_range_of_a_metric_sets_the_kind_of_its_intervals(make_run, metric, logit):
    values = np.r_[0.0, np.linspace(0, 0.3, 11)]  # all in [0, 1], as a distance of 0.3 mm is
    name = ("all", metric if "@" in metric else f"{metric}.case")
    by_case = {metric: dict(zip(IDS, values, strict=False))}
    one = DatasetResults("ids", "fit", "{}", 12, 0, {name: MetricValue(values.mean(), 12, 0)}, by_case)
    found = cells([make_run(results={"phantom": one}, primary=name[1])])[name]
    mean, half = values.mean(), stats.t.ppf(0.975, 11) * stats.sem(values)
    expected = on_logit_scale(mean, half) if logit else (mean - half, mean + half)
    assert (found.low, found.high) == pytest.approx(expected)


def with_values(metric, values):
    number = {("all", f"{metric}.case"): MetricValue(values.mean(), len(values), 0)}
    by_case = {metric: dict(zip(IDS, values, strict=False))}
    return DatasetResults("ids", "fit", "{}", len(values), 0, number, by_case)


def plug_in_run(make_run, value_range, seed=0):
    values = np.linspace(-0.9, 0.3, 12)
    number = {("all", "mine.case"): MetricValue(values.mean(), 12, 0, value_range=value_range)}
    one = DatasetResults("ids", "fit", "{}", 12, 0, number, {"mine": dict(zip(IDS, values, strict=False))})
    return make_run(seed=seed, results={"phantom": one}, primary="mine.case", deterministic=True), values


@pytest.mark.parametrize("value_range", ["[-1, 1]", "[-10, 4]"])
def test_i17_a_metric_of_a_plug_in_with_a_finite_range_has_intervals_inside_it(make_run, value_range):
    run, values = plug_in_run(make_run, value_range)
    low, high = map(float, value_range.strip("[]").split(","))
    mean, half = values.mean(), stats.t.ppf(0.975, 11) * stats.sem(values)
    ends = on_logit_scale((mean - low) / (high - low), half / (high - low))
    found = cells([run])["all", "mine.case"]
    assert (found.low, found.high) == pytest.approx([low + (high - low) * end for end in ends])


@pytest.mark.parametrize(
    "value_ranges", [["[0, inf)"], [""], ["[-1, 1]", ""], ["[-1, 1]", "[-2, 1]"], ["high"]]
)
def test_i17_without_one_finite_range_in_all_runs_the_interval_is_symmetric(make_run, value_ranges):
    runs = [plug_in_run(make_run, text, seed)[0] for seed, text in enumerate(value_ranges)]
    found = cells(runs)["all", "mine.case"]
    assert found.low + found.high == pytest.approx(2 * found.mean)
    assert found.interval == "symmetric: no finite range declared"


def test_i17_a_symmetric_interval_is_told_below_the_table_and_in_the_csv(make_run):
    runs = [
        plug_in_run(make_run, "[0, inf)")[0],
        make_run("zero", results={"phantom": with_values("ap", np.zeros(12))}, primary="ap.case"),
        make_run("ae", results={"phantom": with_values("ap", np.linspace(0, 0.3, 12))}, primary="ap.case"),
    ]
    mine, usual = (tables(some)[0] for some in (runs[:1], runs[1:]))
    assert "symmetric: no finite range declared (all rows)" in render([mine], "markdown")
    assert "symmetric: the mean is an end of the declared range (zero)" in render([usual], "markdown")
    lines = csv.DictReader(io.StringIO(render([usual], "csv")))
    kinds = {one["method"]: one["interval"] for one in lines if one["metric"] == "ap.case" and one["low"]}
    assert kinds == {"ae": "logit", "zero": "symmetric: the mean is an end of the declared range"}


def test_i17_values_outside_the_declared_range_have_symmetric_intervals(make_run):
    run, values = plug_in_run(make_run, "[0, 1]")  # the mean is -0.3
    (table,) = tables([run])
    found = table.rows[0].cells["all", "mine.case"]
    assert found.low < values.mean() < found.high and found.low + found.high == pytest.approx(
        2 * values.mean()
    )
    assert found.interval == "symmetric: a mean lies outside the declared range [0, 1]"
    told = "mine.case has means outside the range [0, 1] that it declares; its intervals are symmetric"
    assert told in table.warnings and told in html_page([table])


def test_f1_all_rows_of_a_column_have_intervals_of_one_kind(make_run):
    """Of two rows of a distance, one has all values below 1 mm."""
    runs = []
    for method, low in (("near", 0.1), ("far", 2.0)):
        values = low + np.linspace(0, 0.3, 12)
        by_case = dict(zip(IDS, values, strict=False))
        number = {("all", "hd95@tune"): MetricValue(values.mean(), 12, 0), CASE: MetricValue(0.5, 12, 0)}
        one = DatasetResults("ids", "fit", "{}", 12, 0, number, {"hd95@tune": by_case})
        runs.append(make_run(method, results={"phantom": one}, primary="ap.case"))
    found = [row.cells["all", "hd95@tune"] for row in tables(runs)[0].rows]
    assert [cell.high + cell.low for cell in found] == pytest.approx([2 * cell.mean for cell in found])


def test_lesion_kinds_and_healthy_cases_have_intervals_of_their_own(make_run):
    one = measured(1, 0.5)
    values = {("ms", "ap.case"): MetricValue(0.5, 10, 0), ("healthy", "fpr@q98"): MetricValue(0.1, 3, 0)}
    one = replace(
        one, values={**one.values, **values}, cases={**one.cases, "fpr@q98": {"h1": 0.0, "h2": 0.1, "h3": 0.2}},
        groups={"all": frozenset(IDS), "ms": frozenset(IDS[:10]), "healthy": frozenset({"h1", "h2", "h3"})},
    )  # fmt: skip
    found = cells([make_run(results={"phantom": one})])
    ms = list(one.cases["ap"].values())[:10]
    df = 9 / (1 + max(stats.kurtosis(ms), 0) / 2)
    assert found["ms", "ap.case"].high == pytest.approx(
        on_logit_scale(0.5, stats.t.ppf(0.975, df) * stats.sem(ms))[1]
    )
    half = stats.t.ppf(0.975, 2) * 0.1 / 3**0.5
    assert found["healthy", "fpr@q98"].high == pytest.approx(on_logit_scale(0.1, half)[1])


def test_folds_widen_the_interval_and_are_not_seeds(make_run):
    places = [(fold, seed) for fold in range(4) for seed in range(2)]
    runs = [
        make_run("ae", s, fold=f, results={"phantom": measured(10 * f + s, 0.4 + 0.05 * f)})
        for f, s in places
    ]
    (row,) = tables(runs)[0].rows
    cell = row.cells[POOLED]
    assert (row.folds, row.done, row.started, cell.seeds) == (4, 8, 8, 8)
    assert cell.fold_sd == pytest.approx(np.std([0.4, 0.45, 0.5, 0.55], ddof=1), rel=0.1)
    assert cell.sd < 0.02 and cell.high - cell.low > 2 * 3 * cell.fold_sd / 2


def test_seeds_of_one_fold_are_replicates_as_without_folds(make_runs):
    plain, fold = cells(make_runs({"ae": 0.5})), cells(make_runs({"ae": 0.5}, fold=2))
    for name in (POOLED, CASE):
        assert fold[name].low == plain[name].low


def test_cases_of_one_subject_do_not_narrow_the_interval(make_run):
    once, subjects = measured(1, 0.5), {f"{one}{session}": one for one in IDS for session in "ab"}
    twice = {case: once.cases["ap"][one] for case, one in subjects.items()}
    number = once.values[CASE]._replace(n=48)
    sessions = replace(once, values={CASE: number}, cases={"ap": twice}, draws={}, subjects=subjects)
    one, two = (
        cells([make_run(results={"phantom": found}, primary="ap.case")])[CASE]
        for found in (replace(once, draws={}), sessions)
    )
    assert two.low == pytest.approx(one.low, rel=1e-12)


def test_values_after_single_postprocessing_steps_have_no_interval(make_runs):
    def with_steps(run):
        one = run.results["phantom"]
        steps = {("all", f"raw:{m}"): MetricValue(0.4, 24, 0) for m in ("ap.case", "ap.pooled", "dice@tune")}
        return replace(run, results={"phantom": replace(one, values={**one.values, **steps})})

    found = cells([with_steps(run) for run in make_runs(MEANS)])
    assert all((cell.low is None) == name[1].startswith("raw:") for name, cell in found.items())
