"""Differences between preparations: against the paired t test, with few subjects, with cases without a value."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from uad_bench.errors import DataError
from uad_bench.leaderboard.render.sensitivity_table import as_csv, markdown
from uad_bench.leaderboard.run_summary import DatasetResults, RunSummary
from uad_bench.leaderboard.sensitivity import sensitivity
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs

RNG = np.random.default_rng(0)
BASE = RNG.uniform(0.2, 0.6, 24)


def summary(values, ids="voxels", seed=0):
    """A run on one test set; None for a case without a value."""
    cases = {f"case{i:02}": value for i, value in enumerate(values)}
    groups = {"all": frozenset(cases)}
    results = {"set": DatasetResults(ids, "fit", "{}", len(cases), 0, cases={"ap": cases}, groups=groups)}
    return RunSummary("run", "complete", "toy", {}, seed, "p", "f", {}, "ap.case", "train", results)


def test_one_seed_gives_the_paired_t_interval():
    other = BASE + np.linspace(-0.15, 0.05, 24)  # flat tails: no allowance for heavy ones
    own, changed = sensitivity({"own": [summary(BASE)], "changed": [summary(other, "others")]}, "set", "ap")
    expected = stats.ttest_rel(other, BASE)
    low, high = expected.confidence_interval(0.95)
    assert changed.difference == pytest.approx((other - BASE).mean())
    assert (changed.low, changed.high) == (pytest.approx(low), pytest.approx(high))
    assert changed.p_holm == pytest.approx(expected.pvalue)
    assert own.difference is own.p_holm is None and own.mean == pytest.approx(BASE.mean())


def test_p_values_are_corrected_for_the_number_of_changes():
    others = {f"change {i}": [summary(BASE + RNG.normal(0.01, 0.03, 24), str(i))] for i in range(3)}
    rows = sensitivity({"own": [summary(BASE)], **others}, "set", "ap")[1:]
    raw = [
        stats.ttest_rel([*one[0].results["set"].cases["ap"].values()], BASE).pvalue for one in others.values()
    ]
    least = int(np.argmin(raw))
    assert rows[least].p_holm == pytest.approx(min(3 * raw[least], 1))


def test_seeds_widen_the_interval():
    flat = {"own": [summary(BASE)] * 3, "changed": [summary(BASE - 0.1 + RNG.normal(0, 0.01, 24), "o")] * 3}
    varying = {**flat, "changed": [replace_values(flat["changed"][0], shift) for shift in (-0.05, 0, 0.05)]}
    one, other = (sensitivity(runs, "set", "ap")[1] for runs in (flat, varying))
    assert other.high - other.low > 2 * (one.high - one.low)
    assert other.sd == pytest.approx(0.05) and one.sd == pytest.approx(0)


def replace_values(run, shift):
    cases = run.results["set"].cases["ap"]
    return summary([value + shift for value in cases.values()], "o")


def test_fewer_than_ten_subjects_have_values_only():
    rows = sensitivity({"own": [summary(BASE[:9])], "changed": [summary(BASE[:9] + 0.1, "o")]}, "set", "ap")
    assert rows[1].difference == pytest.approx(0.1)
    assert rows[1].low is rows[1].high is rows[1].p_holm is None


def test_the_difference_is_over_the_cases_that_have_a_value_under_both():
    lost = [None, *(BASE[1:] + 0.1)]
    changed = sensitivity({"own": [summary(BASE)], "changed": [summary(lost, "o")]}, "set", "ap")[1]
    assert (changed.cases, changed.paired) == (23, 23) and changed.difference == pytest.approx(0.1)
    assert changed.mean == pytest.approx(BASE[1:].mean() + 0.1)
    only = sensitivity({"own": [summary(lost)], "changed": [summary(BASE, "o")]}, "set", "ap")[1]
    assert (only.cases, only.paired) == (24, 23) and only.difference == pytest.approx(-0.1)


def test_a_change_without_any_value_has_neither_mean_nor_difference():
    none = [summary([None] * 24, "o")]
    rows = sensitivity(
        {"own": [summary(BASE)], "none": none, "other": [summary(BASE + 0.1, "p")]}, "set", "ap"
    )
    assert rows[1].mean is rows[1].difference is rows[1].p_holm is None and rows[2].p_holm is not None
    assert "| none | 1 | 0 | – |" in markdown(rows, "ap") and ",nan" not in as_csv(rows)


def test_several_cases_of_a_subject_are_one_observation():
    run = summary(np.repeat(BASE[:12], 2), "o")
    found = run.results["set"]
    one = replace(found, subjects={case: f"s{int(case[4:]) // 2}" for case in found.cases["ap"]})
    other = summary(np.repeat(BASE[:12] + np.linspace(-0.1, 0.1, 12), 2), "p")
    rows = sensitivity({"own": [replace(run, results={"set": one})], "changed": [other]}, "set", "ap")
    expected = stats.ttest_rel(BASE[:12] + np.linspace(-0.1, 0.1, 12), BASE[:12]).confidence_interval(0.95)
    assert rows[1].high - rows[1].low == pytest.approx(expected.high - expected.low)


def test_the_difference_is_that_of_the_means_where_subjects_have_unequal_numbers_of_cases():
    shift = np.linspace(-0.1, 0.1, 24)  # the cases of the subject with most of them differ most
    run = summary(BASE)
    subjects = {f"case{i:02}": "first" for i in range(8)}
    own = replace(run, results={"set": replace(run.results["set"], subjects=subjects)})
    rows = sensitivity({"own": [own], "changed": [summary(BASE + shift, "o")]}, "set", "ap")
    assert rows[1].difference == pytest.approx(rows[1].mean - rows[0].mean)


def test_a_change_that_leaves_all_voxels_as_they_are_is_named():
    rows = sensitivity({"own": [summary(BASE)], "changed": [summary(BASE)]}, "set", "ap")
    assert rows[1].same_voxels and "changed (same voxels)" in markdown(rows, "ap")


def test_deterministic_methods_have_no_spread_over_seeds():
    run = replace(summary(BASE), deterministic=True)
    assert sensitivity({"own": [run, run], "changed": [run, run]}, "set", "ap")[0].sd is None


def test_an_unknown_metric_is_refused():
    with pytest.raises(DataError, match="nothing"):
        sensitivity({"own": [summary(BASE)]}, "set", "nothing")


def test_csv_has_all_digits():
    rows = sensitivity({"own": [summary(BASE)], "changed": [summary(BASE + 0.1, "o")]}, "set", "ap")
    own, changed = csv.DictReader(io.StringIO(as_csv(rows)))
    assert float(own["mean"]) == rows[0].mean and own["difference"] == ""
    assert float(changed["difference"]) == rows[1].difference


def test_variances_over_seeds_are_moderated_across_the_changes():
    """The differences are those of one table of all preparations, not of tables of two."""

    def seeds(shift, spread):
        return [summary(BASE + shift + spread * place, f"{shift}") for place in (-1, 0, 1)]

    runs = {"own": seeds(0, 0.01), "a": seeds(0.01, 0.001), "b": seeds(0.02, 0.01), "c": seeds(0.03, 0.02)}
    rows = sensitivity(runs, "set", "ap")[1:]
    values = [
        np.array([[*one.results["set"].cases["ap"].values()] for one in some]) for some in runs.values()
    ]
    pairs = all_pairs(values)
    assert [row.high - row.low for row in rows] == pytest.approx([2 * pairs.half[i, 0] for i in (1, 2, 3)])
    (alone,) = sensitivity({"own": runs["own"], "a": runs["a"]}, "set", "ap")[1:]
    assert alone.high - alone.low != pytest.approx(rows[0].high - rows[0].low, rel=1e-3)
