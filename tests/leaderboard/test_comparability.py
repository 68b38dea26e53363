"""Words for what keeps two runs apart."""

from dataclasses import replace

import pytest

from uad_bench.leaderboard.comparability import differences, verdict, why


def test_equal_protocols_and_cases_are_comparable(make_run):
    assert why(make_run("ae", 0), make_run("vae", 3)) == ""


def test_a_changed_step_is_named(make_run):
    other = {"modalities": ["t2"], "postprocess": [{"step": "median", "size": 7}]}
    reason = why(make_run(), make_run(fingerprint="f2", pinned=other))
    assert reason == "protocol fingerprint differs: postprocess[0].size 5 against 7"


def test_other_test_sets_and_other_cases_are_named(make_run):
    run = make_run()
    tested = run.tested["phantom"]
    assert why(run, replace(run, tested={"mslub": tested})) == "test dataset differs: phantom against mslub"
    fewer = replace(run, tested={"phantom": replace(tested, test_ids="0123456789")})
    assert why(run, fewer) == "test cases differ: sha256 ids against 01234567"


def test_one_shared_and_equal_test_set_is_enough(make_run):
    run = make_run()
    tested = run.tested["phantom"]
    other = replace(run, tested={"brats21": replace(tested, test_ids="z"), "phantom": tested})
    assert why(other, replace(run, tested={"brats21": tested, "phantom": tested})) == ""


def test_a_verdict_has_a_line_for_each_shared_test_set(make_run):
    run = make_run()
    tested = run.tested["phantom"]
    both = {"brats21": tested, "phantom": tested}
    other = make_run("vae", tested=both | {"brats21": replace(tested, test_ids="z")})
    first, second = verdict(replace(run, tested=both), other)
    assert "not comparable on brats21: test cases differ" in first
    assert second.endswith("are comparable on phantom: they stand in one ranking")
    (line,) = verdict(run, make_run("vae", tested={"mslub": tested}))
    assert "not comparable: test dataset differs: phantom against mslub" in line


def test_a_verdict_tells_what_else_keeps_a_run_from_a_rank(make_run):
    leaky, failed = make_run("a", marks=("leak L1: x",)), make_run("b", state="failed", error="out of memory")
    assert "never ranked" in verdict(leaky, failed)[1] and verdict(leaky, failed)[2].endswith(
        "failed: out of memory"
    )
    assert "counts one of them" in verdict(leaky, replace(leaky, name="elsewhere"))[-1]


def test_a_fold_is_named_where_the_other_run_has_none(make_run):
    run = make_run()
    fold = make_run("vae", fold=1, tested={"phantom": replace(run.tested["phantom"], fit_ids="z")})
    assert why(run, fold).endswith("only one of the runs is of a fold")


def test_why_reads_the_same_from_both_sides(make_run):
    a, b = make_run(), make_run(train="ixi", protocol="uad-2mm")
    assert (
        why(a, b)
        == "protocol differs: phantom against uad-2mm; training dataset differs: phantom against ixi"
    )
    assert why(b, a).count("differs") == 2


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ({"x": 1}, {"x": 1, "y": 2}, ["y nothing against 2"]),
        ({"x": [1, 2]}, {"x": [1]}, ["x[1] 2 against nothing"]),
        ({"x": []}, {"x": [{"step": "median", "size": 5}]}, ["x[0] nothing against median (size 5)"]),
        ({"x": [{"y": "a"}]}, {"x": [{"y": "b"}]}, ["x[0].y a against b"]),
        ({"x": 1}, {"x": 1}, []),
    ],
)
def test_differences_are_told_by_path(a, b, said):
    assert list(differences(a, b)) == said
