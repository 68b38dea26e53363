"""F85 to F95: results that were edited, mixed, lost, tied or missing, through the command line.

F93 (many runs) is measured by benchmarks/leaderboard.py; F95 at scoring is in tests/evaluate/test_thresholds.py, in a
finished run in tests/data/audit/test_finished_runs.py.
"""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from uad_bench.errors import DataError
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metrics.voxel import Dice
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.results.run_directory import RunDir
from uad_bench.types import Scored


@pytest.fixture(scope="module")
def kept(make_workspace, tmp_path_factory):
    """A workspace with a finished run of `thresh`, made once; not to be changed."""
    with make_workspace(tmp_path_factory.mktemp("results") / "workspace") as workspace:
        assert workspace.run().code == 0
        yield workspace


@pytest.fixture
def runs(kept, tmp_path):
    """A copy of its runs that a test may damage."""
    return Path(shutil.copytree(kept.runs, tmp_path / "runs"))


def the_run(runs):
    return RunDir(next(runs.glob("toy/thresh/*/spec.yaml")).parent)


def another(runs, name, *, seed=None, method=None):
    """A second run that differs from the first in its seed or the name of its method."""
    first = the_run(runs)
    copy = RunDir(shutil.copytree(first.path, first.path.parents[1] / name / f"{name}-1"))
    change = {key: value for key, value in (("seed", seed), ("method", method)) if value is not None}
    copy.write_spec(first.spec().model_copy(update=change))
    copy.seal()
    return copy


def board(workspace, runs, form="json"):
    answer = workspace.call("leaderboard", runs, "--format", form)
    return answer, json.loads(answer.out)["tables"] if form == "json" else answer.out


def test_f85_an_edited_number_is_refused_and_the_others_stay(kept, runs):
    second = another(runs, "other", method="other")
    path = second.path / "metrics.csv"
    text = path.read_text()
    value = next(row["value"] for row in csv.DictReader(io.StringIO(text)) if row["value"])
    path.write_text(text.replace(value, "0.999", 1))
    answer, tables = board(kept, runs)
    assert answer.code == 5 and "UB508" in answer.error
    assert f"left out: metrics.csv was changed after the run ({second.name})" in answer.err
    assert [row["method"] for row in tables[0]["rows"]] == ["thresh"]


def test_f86_another_protocol_is_another_table_with_the_reason(kept, runs):
    settings = ("--set", "protocol.postprocess=[{step: median, size: 5, axes: 2}]")
    data = ("--data", f"folder={kept.data}")
    assert kept.call("evaluate", runs, *data, *settings).code == 0
    answer, tables = board(kept, runs)
    assert answer.code == 0 and [len(table["rows"]) for table in tables] == [1, 1]
    assert tables[0]["not_comparable"] == "" and "postprocess[0].size" in tables[1]["not_comparable"]


def test_f87_a_failed_seed_is_counted_and_reported_and_the_method_not_ranked(kept, runs):
    failed = another(runs, "second", seed=1)
    failed.set_state("failed", error="loss is not finite")
    _, (table,) = board(kept, runs)
    (row,) = table["rows"]
    assert (row["seeds"], row["seeds_begun"], row["rank"]) == (1, 2, None)
    assert row["failures"] == ["thresh seed 1: failed: loss is not finite"]
    assert "1 of 2" in board(kept, runs, "markdown")[1]


def test_f88_one_seed_has_no_deviation(kept, runs):
    _, (table,) = board(kept, runs)
    numbers = [number for number in table["rows"][0]["numbers"] if number["mean"] is not None]
    assert numbers and all(number["sd"] is None and number["sd_note"] for number in numbers)
    ranking = board(kept, runs, "markdown")[1].rpartition("## ")[2]  # before it stand numbers of papers
    assert "±" not in ranking.split("- ±")[0]


def test_f61_a_run_that_was_edited_is_left_out_of_the_table_of_run_which_says_so_by_its_exit_code(workspace):
    assert workspace.run().code == 0
    (path,) = workspace.runs.rglob("metrics.csv")
    path.write_text(path.read_text().replace("0.", "0.9", 1))
    answer = workspace.run()
    assert answer.code == 5 and "left out: metrics.csv was changed after the run" in answer.err
    assert "1 of 1 runs failed the integrity check" in answer.error


@pytest.mark.parametrize("name", ["status.json", "spec.yaml", "splits.csv", "metrics.csv", "digests.json"])
@pytest.mark.parametrize("text", ["", '{"state": ', "foreign"])
def test_f89_half_written_and_foreign_files_are_skipped(kept, runs, name, text):
    second = another(runs, "other", method="other")
    (second.path / name).write_text(text)
    answer, tables = board(kept, runs)
    assert answer.code in {5, 7} and "left out" in answer.err
    assert [row["method"] for row in tables[0]["rows"]] == ["thresh"]


def test_f90_undefined_is_null_with_a_reason_in_strict_json(kept, runs):
    def refuse(word):
        raise AssertionError(word)

    answer, _ = board(kept, runs)
    (table,) = json.loads(answer.out, parse_constant=refuse)["tables"]
    undefined = [number for number in table["rows"][0]["numbers"] if number["mean"] is None]
    assert all(number["reason"] for number in undefined)
    assert "NaN" not in answer.out and "Infinity" not in answer.out


def test_f91_equal_methods_are_in_the_order_of_their_names_and_few_patients_have_no_ranks(kept, runs):
    another(runs, "zeta", method="zeta")
    another(runs, "alpha", method="alpha")
    _, (table,) = board(kept, runs)
    ranked = [(row["method"], row["rank"]) for row in table["rows"]]
    assert ranked == [("alpha", None), ("thresh", None), ("zeta", None)]
    assert table["warnings"][0].startswith("fewer than 10 patients with lesions: values only")


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "latex", "json", "html"])
def test_f92_no_results_are_a_valid_empty_table(kept, tmp_path, form):
    (tmp_path / "none").mkdir()
    answer = kept.call("leaderboard", tmp_path / "none", "--format", form)
    assert answer.code == 0
    if form == "json":
        assert json.loads(answer.out) == {"tables": []}
    elif form == "csv":
        assert len(answer.out.splitlines()) == 1
    else:
        assert "no results" in answer.out


@pytest.mark.parametrize("bad", ["pickle", "zip", "cut"])
def test_f94_a_map_that_must_not_be_trusted_is_refused_and_runs_nothing(kept, runs, bad):
    run = the_run(runs)
    path = next((run.path / "maps").rglob("*.npz"))
    if bad == "pickle":
        array = np.array([{"__reduce__": "os.system"}], dtype=object)
        np.savez(path, values=array, shape=array, brain=array)
    elif bad == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("values.npy", b"no array")
    else:
        path.write_bytes(path.read_bytes()[:100])
    run.seal()  # by whoever made it
    answer = kept.call("evaluate", runs, "--data", f"folder={kept.data}")
    assert answer.code == 5 and "no readable anomaly map" in answer.error


def test_f95_a_threshold_set_on_test_cases_is_refused():
    rng = np.random.default_rng(0)
    brain = np.ones((4, 4, 4), bool)
    case = Scored(
        "a", rng.random((4, 4, 4)).astype(np.float32), brain, rng.random((4, 4, 4)) < 0.2, (1, 1, 1)
    )
    with pytest.raises(DataError, match="'healthy_q98' was derived from 1 of the test cases") as caught:
        evaluate([case], [Dice()], {"healthy_q98": Threshold("healthy_q98", 0.5, ("a", "b"))})
    assert caught.value.exit_code == 3
    assert evaluate(
        [case], [Dice()], {"oracle_set": Threshold("oracle_set", 0.5, ("a",), oracle=True)}
    ).case_rows
