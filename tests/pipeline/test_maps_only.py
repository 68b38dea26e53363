"""Maps of other programs: our own exported maps give the run's numbers, other axes the same, another grid nothing."""

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, HERE, execute, matrix
from uad_bench.cohort.discovery import Sources
from uad_bench.pipeline.run_job import Workplace
from uad_bench.results.find_runs import find_runs

SETTINGS = ("--set", f"protocol.train={DATA}", "--set", f"protocol.splits.tune={{{DATA}: 0.4}}", "--protocol",
            HERE / "toy.yaml", "--test", DATA)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory, toy_root, toy_cache):
    place = Workplace(tmp_path_factory.mktemp("runs"), Sources(toy_cache, {"toy_data": toy_root}), threads=1)
    (run,) = execute(matrix("Blur", more=[(["protocol", "test"], [DATA])]), place)
    return run


@pytest.fixture
def verb(run, toy_root, toy_cache, tmp_path, monkeypatch, capsys):
    """verb(words ...) -> exit code, stdout, stderr, with the data of the run, in tmp_path."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    monkeypatch.chdir(tmp_path)
    return lambda *words: call(monkeypatch, capsys, *words, "--data", f"{DATA}={toy_root}")


@pytest.fixture
def exported(verb, run):
    """exported(words ...): the maps of the run, of all scored cases."""

    def make(*words):
        code, _, err = verb("export", run.path, "--to", "maps", "--cases", "all", *words)
        assert code == 0, err

    return make


def evaluated(verb, tmp_path, *words, maps="maps"):
    code, out, err = verb("evaluate", "--maps", maps, "--name", "other", "--out", "runs", *SETTINGS, *words)
    assert code == 0, err
    (one,) = find_runs([tmp_path / "runs"])
    assert one.state == "complete" and str(one.path) in out
    return one


def numbers(run):
    return {(r["dataset"], r["group"], r["metric"]): r["value"] for r in run.table("metrics.csv")}


def same(one, other, digits=None):
    mine, theirs = numbers(one), numbers(other)
    assert set(mine) == set(theirs)
    for name, value in mine.items():
        if digits is None or not value:
            assert theirs[name] == value, name
        else:
            assert float(theirs[name]) == pytest.approx(float(value), abs=digits), name


def test_maps_exported_on_the_protocols_grid_give_the_numbers_of_the_run(verb, run, exported, tmp_path):
    exported("--prepared-grid")
    one = evaluated(verb, tmp_path)
    same(run, one)
    assert one.table("cases.csv") == run.table("cases.csv")
    assert [r["value"] for r in one.table("thresholds.csv")] == [
        r["value"] for r in run.table("thresholds.csv")
    ]


def test_the_track_of_evaluated_maps_changes_only_with_fresh(verb, run, exported, tmp_path):
    exported("--prepared-grid")
    one = evaluated(verb, tmp_path, "--track", "synthetic")
    assert evaluated(verb, tmp_path).environment()["method"]["track"] == "synthetic"
    words = (
        "evaluate",
        "--maps",
        "maps",
        "--name",
        "other",
        "--out",
        "runs",
        *SETTINGS,
        "--track",
        "healthy",
    )
    code, _, err = verb(*words)
    assert code == 2 and "'synthetic'" in err and one.state == "complete"
    assert verb(*words, "--fresh")[0] == 0 and one.environment()["method"]["track"] == "healthy"


def test_maps_on_the_scans_give_these_numbers_too_where_the_grids_agree(verb, run, exported, tmp_path):
    exported()
    same(run, evaluated(verb, tmp_path), digits=1e-4)


def turned(path):
    image = nib.load(path)
    values = np.asarray(image.dataobj)
    flip = np.array([[1, 0, 0, 0], [0, -1, 0, values.shape[0] - 1], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(values.transpose(2, 0, 1)[:, ::-1], image.affine[:, [2, 0, 1, 3]] @ flip), path)


def test_maps_with_other_axes_are_turned(verb, run, exported, tmp_path):
    exported()
    for path in (tmp_path / "maps").rglob("*_scoremap.nii.gz"):
        turned(path)
    same(run, evaluated(verb, tmp_path), digits=1e-4)


def test_a_table_names_the_maps(verb, run, exported, tmp_path):
    exported("--prepared-grid")
    files = sorted((tmp_path / "maps").rglob("*_scoremap.nii.gz"))
    with (tmp_path / "maps.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["case_id", "file"], *([path.name.split("_")[0][4:], path] for path in files)])
    same(run, evaluated(verb, tmp_path, maps="maps.csv"))


def test_another_grid_is_refused_and_leaves_no_run(verb, exported, tmp_path):
    exported()
    path = sorted((tmp_path / "maps").rglob("*_scoremap.nii.gz"))[0]
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[:-1], image.affine), path)
    code, _, err = verb("evaluate", "--maps", "maps", "--name", "other", "--out", "runs", *SETTINGS)
    assert code == 3 and "UB328" in err and "another grid" in err.splitlines()[-1]
    assert find_runs([tmp_path / "runs"]) == []


def test_nan_in_the_brain_is_refused_and_outside_it_ignored(verb, run, exported, tmp_path):
    exported("--prepared-grid")
    path = sorted((tmp_path / "maps").rglob("*_scoremap.nii.gz"))[0]
    image = nib.load(path)
    values = np.asarray(image.dataobj).copy()
    values[values == 0] = np.nan
    nib.save(nib.Nifti1Image(values, image.affine), path)
    same(run, evaluated(verb, tmp_path))
    values[:] = np.nan
    nib.save(nib.Nifti1Image(values, image.affine), path)
    code, _, err = verb("evaluate", "--maps", "maps", "--name", "other", "--out", "more", *SETTINGS)
    assert code == 3 and "UB326" in err


def test_every_test_case_needs_a_map_and_roles_without_maps_are_said(verb, run, tmp_path, exported):
    exported("--prepared-grid")
    roles = {row["case_id"]: row["role"] for row in run.table("splits.csv")}
    for case_id in (name for name, role in roles.items() if role in {"val", "tune"}):
        shutil.rmtree(tmp_path / "maps" / f"sub-{case_id}")
    one = evaluated(verb, tmp_path)
    assert {r["rule"] for r in one.table("thresholds.csv") if not r["value"]} >= {"healthy_q98", "tune"}
    test = next(name for name, role in roles.items() if role == "test")
    shutil.rmtree(tmp_path / "maps" / f"sub-{test}")
    code, _, err = verb("evaluate", "--maps", "maps", "--name", "other", "--out", "more", *SETTINGS)
    assert code == 3 and "UB307" in err and test in err


def test_the_board_marks_maps_only_and_predict_refuses_them(
    verb, run, exported, tmp_path, monkeypatch, capsys
):
    exported("--prepared-grid")
    one = evaluated(verb, tmp_path)
    code, out, _ = call(monkeypatch, capsys, "leaderboard", run.path, one.path, "--format", "markdown")
    assert code == 0 and "other:maps-only" in out and "maps of another program" in out
    assert out.count("| other:maps-only") == out.count("| blur")  # in the same tables
    code, _, err = call(monkeypatch, capsys, "predict", one.path, tmp_path)
    assert code == 2 and "UB252" in err and "no model" in err
    code, _, err = verb("evaluate", one.path)
    assert code == 0, err


def test_options_of_maps_need_maps(verb):
    for words in (["--name", "x"], ["runs", "--protocol", "phantom"], ["--maps", "maps"], []):
        assert verb("evaluate", *words)[0] == 2


def test_two_maps_of_a_case_in_a_table_are_refused(verb, exported, tmp_path):
    exported("--prepared-grid")
    one, other = sorted((tmp_path / "maps").rglob("*_scoremap.nii.gz"))[:2]
    case_id = one.name.split("_")[0][4:]
    (tmp_path / "maps.csv").write_text(f"case_id,file\n{case_id},{one}\n{case_id},{other}\n")
    code, _, err = verb("evaluate", "--maps", "maps.csv", "--name", "other", "--out", "runs", *SETTINGS)
    assert (code, f"two maps of case {case_id}" in err) == (2, True)


def test_a_map_that_is_post_processed_already_is_refused(verb, exported, tmp_path):
    exported("--prepared-grid")
    side = sorted((tmp_path / "maps").rglob("*_scoremap.json"))[0]
    side.write_text(json.dumps(json.loads(side.read_text()) | {"PostProcessing": [{"step": "median"}]}))
    code, _, err = verb("evaluate", "--maps", "maps", "--name", "other", "--out", "runs", *SETTINGS)
    assert (code, "post-processed already" in err) == (2, True)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").rglob("metrics.csv"))
