"""Tables from run summaries: labels, ranks, and which runs share a table."""

import random
import sys
from dataclasses import replace

import pytest

from tests.helpers import many_runs
from uad_bench.errors import UsageError
from uad_bench.leaderboard.aggregate import runs_by_label, tables
from uad_bench.leaderboard.run_summary import MetricValue

AP = ("all", "ap.pooled")


def ranks(table):
    return [(row.label, row.rank) for row in table.rows]


def test_f6_steps_on_thresholded_maps_are_those_after_the_threshold(make_run):
    steps = [{"step": "median", "size": 5}, {"step": "drop_components", "voxels": 7}]
    found = tables([make_run(pinned={"postprocess": steps}), make_run("vae", fingerprint="f2")])
    assert sorted(table.after_threshold for table in found) == [(), ("drop_components",)]


def test_rank_is_by_the_primary_metric_and_ties_share_it(make_run):
    scores = {"c": 0.2, "a": 0.2, "d": 0.1, "b": 0.3}
    (table,) = tables(make_run(m, values={"ap.pooled": v, "auroc.pooled": 1 - v}) for m, v in scores.items())
    assert ranks(table) == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]


@pytest.mark.parametrize("part", ["protocol", "fingerprint", "train"])
def test_runs_that_differ_in_the_protocol_never_share_a_ranking(make_run, part):
    first, second = tables(
        [make_run(), replace(make_run("vae", 0, values={"ap.pooled": 1.0}), **{part: "z"})]
    )
    assert [row.rank for row in (*first.rows, *second.rows)] == [1, 1]
    assert (first.not_comparable == "") != (second.not_comparable == "")


@pytest.mark.parametrize("part", ["test_ids", "fit_ids", "options"])
def test_runs_on_other_cases_never_share_a_ranking(make_run, part):
    run = make_run()
    other = replace(run, method="vae", results={"phantom": replace(run.results["phantom"], **{part: "z"})})
    assert [len(table.rows) for table in tables([run, other])] == [1, 1]


def test_other_parameters_are_another_row_labelled_by_the_difference(make_run):
    settings = [{"steps": 50, "lr": 0.1}, {"steps": 100, "lr": 0.1}]
    (table,) = tables(make_run(seed=s, settings=one) for one in settings for s in range(3))
    assert sorted((row.label, row.done) for row in table.rows) == [
        ("ae [steps=100]", 3),
        ("ae [steps=50]", 3),
    ]


def test_a_label_lists_all_settings_that_differ_and_strings_without_quotes(make_run):
    runs = [make_run(settings=s) for s in ({"a": 1, "b": "x", "c": 0}, {"a": 2, "b": "y", "c": 0}, {"c": 0})]
    assert list(runs_by_label(runs)) == ["ae [a=1, b=x]", "ae [a=2, b=y]", "ae"]
    assert list(runs_by_label([make_run("vae"), make_run("ae")])) == ["ae", "vae"]


def test_a_repeated_run_is_not_a_second_seed(make_run):
    run = make_run()
    (table,) = tables([run, replace(run, name="elsewhere/seed0"), replace(run, name="a", state="running")])
    assert (table.rows[0].done, table.rows[0].started, table.rows[0].failures) == (1, 1, ())


def test_a_failed_seed_is_listed_and_the_row_loses_its_rank(make_run):
    runs = [make_run("vae", s, values={"ap.pooled": 0.9}) for s in range(4)]
    runs += [make_run("vae", 4, state="failed", error="loss is not finite"), make_run("ae")]
    (table,) = tables(runs)
    assert ranks(table) == [("ae", 1), ("vae", None)]
    assert (table.rows[1].done, table.rows[1].started) == (4, 5)
    assert table.rows[1].failures == ("vae seed 4: failed: loss is not finite",)
    assert table.rows[1].cells[AP].mean == pytest.approx(0.9)


def test_a_method_of_which_every_seed_failed_is_listed(make_run):
    (table,) = tables([make_run("vae", 0, state="failed"), make_run("ae")])
    assert ranks(table) == [("ae", 1), ("vae", None)]


def test_a_row_without_the_primary_metric_in_some_seed_is_not_ranked(make_run):
    (table,) = tables([make_run(seed=0), make_run(seed=1, values={"ap.pooled": None})])
    assert table.rows[0].rank is None


def test_controls_come_first_and_are_never_ranked(make_run):
    runs = [make_run("random", null=True, values={"ap.pooled": 0.9}), make_run("ae")]
    assert ranks(tables(runs)[0]) == [("random", None), ("ae", 1)]


@pytest.mark.parametrize(
    ("primary", "flags", "reason"),
    [("sens_fpr05.case", {"oracle": True}, "test labels"), ("hd95@tune", {"lower": True}, "lower value is better"),
     ("raw:ap.case", {}, "before all post-processing steps"), ("dice@oracle_case", {}, "test labels")],
)  # fmt: skip
def test_an_unsuitable_primary_metric_is_refused_in_one_line(make_run, primary, flags, reason):
    run = make_run(primary=primary)
    run.results["phantom"].values["all", primary] = MetricValue(0.2, 36, 0, **flags)
    with pytest.raises(UsageError, match=reason) as error:
        tables([run])
    assert primary in str(error.value) and "\n" not in str(error.value)


def test_postprocessing_steps_are_in_the_order_of_the_file(make_run):
    steps = {f"{step}:ap.pooled": 0.1 for step in ("raw", "median", "erode", "median#2")}
    (table,) = tables([make_run(values={"ap.pooled": 0.2} | steps)])
    assert table.steps == ("raw", "median", "erode", "median#2")


def test_the_order_of_runs_does_not_matter(make_run):
    runs = [
        make_run(m, s, values={"ap.pooled": s / 7}, settings={"k": k})
        for m in "abc" for s in range(3) for k in (1, 2)
    ]  # fmt: skip
    shuffled = random.Random(1).sample(runs, len(runs))
    assert tables(runs) == tables(shuffled)


def test_f93_work_grows_with_the_number_of_runs_and_not_with_its_square(monkeypatch):
    """Calls of functions, counted; benchmarks/leaderboard.py measures the time of 500 methods."""
    draws = many_runs.bootstrap_means(many_runs.np.zeros(many_runs.PATIENTS), 1000)
    monkeypatch.setattr(many_runs, "bootstrap_means", lambda values, _: draws + values.mean())
    few, many = (list(many_runs.simulated_runs(methods, datasets=2, seeds=5)) for methods in (10, 40))
    calls_of_tables(few)  # what is computed once is not counted
    assert calls_of_tables(many) < 5 * calls_of_tables(few)


def calls_of_tables(runs):
    """How many functions are called to make the tables of these runs."""
    called = 0

    def count(_frame, event, _value):
        nonlocal called
        called += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = tables(runs)
    finally:
        sys.setprofile(before)
    assert [len(table.rows) for table in found] == [len(runs) // 5] * 2
    return called


def test_every_track_has_a_ranking_with_the_controls_and_the_usual_one_comes_first(make_run):
    runs = [
        make_run("ae"), make_run("deep", track="features"), make_run("pasted", track="synthetic"),
        make_run("random", null=True),
    ]  # fmt: skip
    found = tables(runs)
    assert [table.key.track for table in found] == ["healthy", "features", "synthetic"]
    assert [[row.label for row in table.rows] for table in found] == [
        ["random", "ae"], ["random", "deep"], ["random", "pasted"],
    ]  # fmt: skip
    assert found[0].not_comparable == "" and found[1].not_comparable.startswith("track differs: healthy (ae")
    assert {table.tracks for table in found} == {("healthy", "features", "synthetic")}


def test_controls_alone_have_one_table(make_run):
    (table,) = tables([make_run("random", null=True)])
    assert [row.label for row in table.rows] == ["random"] and table.tracks == ("healthy",)
    (table,) = tables([make_run("random", null=True), make_run("deep", track="features")])
    assert table.key.track == "features" and len(table.rows) == 2
