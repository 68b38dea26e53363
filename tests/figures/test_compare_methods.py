"""Comparison of methods: which runs and which cases are shown."""

import pytest

from tests.helpers.run_directories import run_directory
from uad_bench.errors import UsageError
from uad_bench.figures.compare_methods import select_runs, shared_cases


def test_the_lowest_seed_of_each_row_is_selected(tmp_path):
    runs = [
        run_directory(tmp_path, "vae", 2), run_directory(tmp_path, "vae", 1), run_directory(tmp_path, "ae", 0),
        run_directory(tmp_path, "ae", 0, parameters={"steps": 9}), run_directory(tmp_path, "gan", state="failed"),
    ]  # fmt: skip
    found = {one.label: one.run.path.name for one in select_runs(runs)}
    assert {label: name[:5] for label, name in found.items()} == {
        "ae [steps=9]": "seed0", "ae": "seed0", "vae": "seed1",
    }  # fmt: skip
    assert all(one.summary.method == one.label.split()[0] for one in select_runs(runs))


def test_runs_without_results_or_of_several_protocols_are_refused(tmp_path):
    failed = run_directory(tmp_path, state="failed")
    with pytest.raises(UsageError, match="no complete run"):
        select_runs([failed])
    with pytest.raises(UsageError, match="2 protocols") as error:
        select_runs([run_directory(tmp_path), run_directory(tmp_path, protocol="uad-2mm")])
    assert error.value.code == "UB242"


def test_cases_are_shared_where_all_runs_have_the_same_voxels(tmp_path):
    runs = [
        run_directory(tmp_path, contents=("x", "y", "z")),
        run_directory(tmp_path, "vae", contents=("x", "other", "z")),
    ]
    assert [row["case_id"] for row in shared_cases(runs, (), "phantom")] == ["c0", "c2"]
    assert [row["case_id"] for row in shared_cases(runs, ("c2",), "phantom")] == ["c2"]


@pytest.mark.parametrize(("case_ids", "contents"), [(("c0", "c1"), ("x", "other")), ((), ("a", "b"))])
def test_cases_that_are_not_shared_are_refused(tmp_path, case_ids, contents):
    runs = [run_directory(tmp_path), run_directory(tmp_path, "vae", contents=contents)]
    with pytest.raises(UsageError, match="do not share these test cases of phantom") as error:
        shared_cases(runs, case_ids, "phantom")
    assert error.value.code == "UB241" and "vae" in str(error.value)
