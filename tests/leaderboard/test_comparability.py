"""Explanations of why two runs are or are not comparable."""

from dataclasses import replace

import pytest

from uad_bench.leaderboard.comparability import belongs, difference, explain, protocol_differences, table_key


def test_equal_protocols_and_cases_are_comparable(make_run):
    assert difference(make_run("ae", 0), make_run("vae", 3)) == ""


def test_a_changed_step_is_named(make_run):
    other = {"modalities": ["t2"], "postprocess": [{"step": "median", "size": 7}]}
    reason = difference(make_run(), make_run(fingerprint="f2", pinned=other))
    assert reason == "protocol fingerprint differs: postprocess[0].size 5 against 7"


def test_other_test_sets_and_other_cases_are_named(make_run):
    run = make_run()
    results = run.results["phantom"]
    assert (
        difference(run, replace(run, results={"mslub": results}))
        == "test dataset differs: phantom against mslub"
    )
    fewer = replace(run, results={"phantom": replace(results, test_ids="0123456789")})
    assert difference(run, fewer) == "test cases differ: sha256 ids against 01234567"


def test_one_shared_and_equal_test_set_is_enough(make_run):
    run = make_run()
    results = run.results["phantom"]
    other = replace(run, results={"brats21": replace(results, test_ids="z"), "phantom": results})
    assert difference(other, replace(run, results={"brats21": results, "phantom": results})) == ""


def test_the_explanation_has_a_line_for_each_shared_test_set(make_run):
    run = make_run()
    results = run.results["phantom"]
    both = {"brats21": results, "phantom": results}
    other = make_run("vae", results=both | {"brats21": replace(results, test_ids="z")})
    first, second = explain(replace(run, results=both), other)
    assert "not comparable on brats21: test cases differ" in first
    assert second.endswith("are comparable on phantom: they are ranked together")
    (line,) = explain(run, make_run("vae", results={"mslub": results}))
    assert "not comparable: test dataset differs: phantom against mslub" in line


def test_the_explanation_lists_what_else_excludes_a_run_from_a_ranking(make_run):
    leaky, failed = make_run("a", marks=("leak L1: x",)), make_run("b", state="failed", error="out of memory")
    assert "never ranked" in explain(leaky, failed)[1] and explain(leaky, failed)[2].endswith(
        "failed: out of memory"
    )
    assert "counts one of them" in explain(leaky, replace(leaky, name="elsewhere"))[-1]
    assert explain(leaky, failed)[0].endswith("are comparable on phantom: they are in the same table")


def test_a_control_and_a_method_are_in_one_table_and_not_ranked_together(make_run):
    first, second = explain(make_run("ae"), make_run("random", null=True))
    assert first.endswith("are comparable on phantom: they are in the same table")
    assert "random" in second and second.endswith("is a control: it is shown but never ranked")


def test_a_table_of_few_patients_has_no_ranks(make_run):
    run = make_run()
    ids = [f"c{i}" for i in range(12)]
    scans = replace(
        run.results["phantom"],
        groups={"all": frozenset(ids)},
        subjects={one: f"s{i // 3}" for i, one in enumerate(ids)},
    )
    (line,) = explain(replace(run, results={"phantom": scans}), make_run("vae", results={"phantom": scans}))
    assert line.endswith("in the same table, without ranks: fewer than 10 patients with lesions (4)")


def test_runs_with_other_training_cases_are_no_repetition(make_run):
    run = make_run()
    other = replace(run, name="other", results={"phantom": replace(run.results["phantom"], fit_ids="z")})
    assert not any("they repeat" in line for line in explain(run, other))


def test_a_fold_is_named_where_the_other_run_has_none(make_run):
    run = make_run()
    fold = make_run("vae", fold=1, results={"phantom": replace(run.results["phantom"], fit_ids="z")})
    assert difference(run, fold).endswith("only one of the runs is a cross-validation fold")


def test_the_order_of_the_two_runs_does_not_matter(make_run):
    a, b = make_run(), make_run(train="ixi", protocol="uad-2mm")
    assert (
        difference(a, b)
        == "protocol differs: phantom against uad-2mm; training dataset differs: phantom against ixi"
    )
    assert difference(b, a).count("differs") == 2


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"x": 1}, {"x": 1, "y": 2}, ["y nothing against 2"]),
        ({"x": [1, 2]}, {"x": [1]}, ["x[1] 2 against nothing"]),
        ({"x": []}, {"x": [{"step": "median", "size": 5}]}, ["x[0] nothing against median (size 5)"]),
        ({"x": [{"y": "a"}]}, {"x": [{"y": "b"}]}, ["x[0].y a against b"]),
        ({"x": 1}, {"x": 1}, []),
    ],
)
def test_differences_are_listed_by_path(a, b, expected):
    assert list(protocol_differences(a, b)) == expected


def test_runs_of_two_tracks_are_not_comparable_and_both_are_explained(make_run):
    reason = difference(make_run("ae"), make_run("patchcore", track="features"))
    assert reason.startswith(
        "track differs: healthy (ae learns from healthy training scans only) against features ("
    )
    assert "weights of a network that was trained on other data" in reason


def test_a_control_is_shown_in_every_track(make_run):
    control, own = make_run("random", null=True), make_run("patchcore", track="features")
    assert difference(control, own) == "" and belongs(control, table_key(own, "phantom"))
    assert not belongs(make_run("ae"), table_key(own, "phantom"))
    assert not belongs(replace(control, fingerprint="f2"), table_key(own, "phantom"))
