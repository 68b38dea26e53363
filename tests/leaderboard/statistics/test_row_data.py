"""Arrays of per-case values and pooled metrics over the runs of a row."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.measured import CASE, IDS, POOLED, measured
from uad_bench.leaderboard.statistics.row_data import (
    RowData,
    case_ids,
    is_mean_over_cases,
    per_case_metric,
    subject_by_case,
)

RUNS = [measured(seed, 0.5) for seed in range(4)]


@pytest.mark.parametrize(
    ("folds", "deterministic", "groups"),
    [
        ([None] * 4, False, [[0], [1], [2], [3]]),
        ([2] * 4, False, [[0], [1], [2], [3]]),
        ([0, 0, 1, 1], False, [[0, 1], [2, 3]]),
        ([0, 1, 1, 2], False, [[0], [1, 2], [3]]),
        ([None] * 4, True, [[0, 1, 2, 3]]),
    ],
)
def test_replicates_are_seeds_or_fold_means_or_one_for_a_deterministic_method(folds, deterministic, groups):
    data = RowData(RUNS, folds, deterministic)
    values = np.array([list(run.cases["ap"].values()) for run in RUNS])
    expected = [values[group].mean(0) for group in groups]
    assert data.replicates == len(groups)
    assert data.case_values("ap", IDS) == pytest.approx(np.array(expected))
    pooled = data.pooled_metric(POOLED)
    assert pooled.values == pytest.approx(np.mean(expected, axis=1)) and pooled.draws.shape == (
        len(groups),
        1000,
    )
    assert pooled.n == 24


def test_a_case_that_is_undefined_or_missing_is_nan():
    data = RowData([measured(0, 0.5, undefined="case03")], [None])
    assert np.isnan(data.case_values("ap", ["case03", "case04", "case99"])).tolist() == [[True, False, True]]


def test_a_pooled_metric_needs_its_value_and_draws_of_equal_number_in_every_run():
    assert RowData(RUNS, [None] * 4).pooled_metric(CASE) is None
    without = replace(RUNS[0], draws={})
    fewer = replace(RUNS[0], draws={POOLED: RUNS[0].draws[POOLED][:10]})
    undefined = replace(RUNS[0], values={POOLED: RUNS[0].values[POOLED]._replace(value=None)})
    for other in (without, fewer, undefined):
        assert RowData([RUNS[1], other], [None] * 2).pooled_metric(POOLED) is None


def test_a_mean_is_over_the_cases_where_the_numbers_agree_in_every_run():
    assert RowData(RUNS, [None] * 4).mean_is_over("all", "ap", IDS)
    assert not RowData(RUNS, [None] * 4).mean_is_over("all", "ap", IDS[:-1])
    other = replace(RUNS[0], values={CASE: RUNS[0].values[CASE]._replace(n=30)})
    assert not RowData([*RUNS, other], [None] * 5).mean_is_over("all", "ap", IDS)


def test_cases_of_a_group_are_those_with_an_entry_of_the_metric():
    groups = {"all": frozenset(IDS), "ms": frozenset({"case05", "case02", "case99"})}
    data = {"ae": RowData([replace(RUNS[0], groups=groups)], [None])}
    assert case_ids(data, "ap", "ms") == ["case02", "case05"]
    assert case_ids(data, "ap", "stroke") == case_ids(data, "dice@tune", "all") == []
    assert case_ids({"ae": RowData(RUNS, [None] * 4)}, "ap", "all") == IDS


def test_subjects_are_those_of_any_run_that_has_them():
    with_subjects = replace(RUNS[0], subjects={"case00": "s1"})
    assert subject_by_case({"a": RowData([RUNS[1], with_subjects], [None] * 2)}) == {"case00": "s1"}
    assert subject_by_case({"a": RowData(RUNS, [None] * 4)}) == {}


@pytest.mark.parametrize(
    ("metric", "per_case", "is_mean"),
    [("ap.pooled", "ap", False), ("ap.case", "ap", True), ("dice@tune", "dice@tune", True),
     ("dice.pooled@tune", "dice@tune", False)],
)  # fmt: skip
def test_the_per_case_form_of_a_metric(metric, per_case, is_mean):
    assert per_case_metric(metric) == per_case and is_mean_over_cases(metric) == is_mean
