"""`draw` on toy runs: the pictures that a person gets, and one line for each thing that cannot be drawn."""

import json
import logging
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.helpers.run_figures import drawn_figures
from tests.helpers.toy_data import make, write_case
from uad_bench import cli
from uad_bench.cohort.discovery import Sources
from uad_bench.figures import compare_methods
from uad_bench.pipeline import explain
from uad_bench.pipeline.matrix import Matrix, execute
from uad_bench.pipeline.run_job import Workplace
from uad_bench.results import run_cases
from uad_bench.results.run_directory import RunDir

HERE = Path(__file__).parents[1] / "helpers"
DATA, METHODS = str(HERE / "toy_data.py"), str(HERE / "toy_methods.py")
INSIDE = ["inside-density.png", "inside-places.png", "inside.png"]


def specs(*names, seeds=(0,), more=()):
    """Runs on the toy cohort."""
    settings = [(["protocol", "train"], DATA), (["protocol", "test"], [DATA]), (["protocol", "metrics"], ["ap"]),
                (["protocol", "primary"], "ap.case"), (["protocol", "thresholds"], ["oracle_set"]), *more]  # fmt: skip
    return Matrix(names, seeds, str(HERE / "toy.yaml"), (), settings=settings).specs()


@pytest.fixture(autouse=True)
def log_as_before():
    """A verb writes its log to a stream that ends with the test."""
    log = logging.getLogger("uad_bench")
    handlers, level = log.handlers, log.level
    yield
    log.handlers, log.level = handlers, level


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = make(tmp_path_factory.mktemp("toy"))
    return Workplace(tmp_path_factory.mktemp("runs"), Sources(tmp_path_factory.mktemp("cache"), {"toy_data": root}),
                     threads=1)  # fmt: skip


@pytest.fixture(scope="module")
def runs(place):
    """Three runs: glass with two seeds, and thresh:raw, which learns nothing."""
    glass = specs(f"{METHODS}:Glass", seeds=(0, 1))
    with drawn_figures():
        outcome = execute([*glass, *specs("thresh:raw")], place)
    assert outcome.error is None
    return {f"{re.split('[:.]', run.spec().method)[-1]}{run.spec().seed}": run for run in outcome.done}


@pytest.fixture
def draw(monkeypatch, capsys, place):
    """draw(*words) -> exit code, stdout and stderr of `uad-bench draw`."""

    def call(*words, data=True):
        root = ["--data", f"{DATA}={place.sources.roots['toy_data']}"] if data else []
        trusted = (
            [f"--trust={METHODS}:{name}" for name in ("Glass", "Opaque")] if words[0] == "inside" else []
        )
        words = ["uad-bench", "draw", *map(str, words), *root, *trusted]
        monkeypatch.setenv("UAD_BENCH_CACHE", str(place.sources.cache))
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    return call


def cases_of(run):
    return [row["case_id"] for row in run.table("splits.csv") if row["role"] == "test"]


def test_a_run_that_trained_has_its_curves_and_one_that_did_not_has_none(runs):
    assert imread(runs["glass0"].path / "training.png").std() > 0.05
    assert not (runs["raw0"].path / "training.png").exists()


def test_inside_writes_its_pictures_beside_the_run_which_stays_sealed(runs, draw):
    run = runs["glass0"]
    before = json.loads((run.path / "digests.json").read_text())
    code, out, _ = draw("inside", run.path, "--count", 2, "--threads", 1, "--workers", 1)
    assert (code, out.count("picture: ")) == (0, 3)
    assert sorted(p.name for p in run.path.glob("inside*")) == INSIDE
    assert all(imread(run.path / name).std() > 0.02 for name in INSIDE)
    run.verify(maps=True)
    assert json.loads((run.path / "digests.json").read_text()) == before


def test_what_is_drawn_is_what_the_stored_model_answers(runs, place, tmp_path, monkeypatch):
    run, seen = runs["glass0"], []
    monkeypatch.setattr(
        explain, "_draw", lambda _to, _suffix, opened, title: seen.append((opened, title)) or []
    )
    case_id = cases_of(run)[-1]
    explain.explain(run, explain.CaseSelection((f"toy_data/{case_id}",)), place, tmp_path)
    ((one,), title) = seen[0]
    assert one.case.case_id == case_id and title.startswith("glass seed 0, toy")
    np.testing.assert_array_equal(one.case.map, run.read_map("toy_data", case_id))
    brain = one.case.brain_mask
    np.testing.assert_allclose(one.components["error"].values[brain], one.case.map[brain], atol=1e-3)
    assert (one.components["place"].values[0][brain] == 2).all()


def test_a_run_without_maps_is_scored_again(runs, place, tmp_path, monkeypatch):
    copy, seen = shutil.copytree(runs["glass0"].path, tmp_path / "p/m/run"), []
    shutil.rmtree(copy / "maps")
    monkeypatch.setattr(explain, "_draw", lambda _to, _suffix, opened, _title: seen.append(opened) or [])
    wish = explain.CaseSelection(tuple(cases_of(runs["glass0"])[:1]))
    for run in (runs["glass0"], RunDir(copy)):
        explain.explain(run, wish, place, tmp_path)
    np.testing.assert_array_equal(seen[0][0].case.map, seen[1][0].case.map)


def test_typical_cases_begin_with_one_of_each_kind(runs, place, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(explain, "_draw", lambda _to, _suffix, opened, _title: seen.extend(opened) or [])
    explain.explain(runs["glass0"], explain.CaseSelection(count=3), place, tmp_path)
    assert [one.case.label for one in seen] == ["a", "b", "healthy"]


def test_equal_questions_give_equal_pictures(runs, place, tmp_path):
    for name in ("one", "two"):
        explain.explain(runs["glass1"], explain.CaseSelection(count=1), place, tmp_path / name)
    for name in INSIDE:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_training_draws_several_runs_over_each_other(runs, place, draw, tmp_path):
    code, out, _ = draw("training", place.out, "--to", tmp_path / "t.png", data=False)
    assert code == 0 and "t.png" in out
    assert imread(tmp_path / "t.png").std() > 0.02


def test_methods_are_beside_each_other_the_better_first_and_of_each_the_lowest_seed(
    runs, place, draw, tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr("uad_bench.figures.method_grid.draw_method_grid", lambda *given: seen.append(given))
    code, out, err = draw("methods", place.out, "--to", tmp_path / "m.png", "--workers", 1)
    assert code == 0 and "(2 methods)" in out, err
    _, shown, metric, _ = seen[0]
    assert metric == "AP" and [one.detail for one in shown] == ["seed 0", "seed 0"]
    assert shown[0].mean >= shown[1].mean
    glass = next(one for one in shown if one.label == "glass")
    values = {
        row["case_id"]: row["value"] for row in runs["glass0"].table("cases.csv") if row["metric"] == "ap"
    }
    for panel, value in zip(glass.cases, glass.values, strict=True):
        assert value == (float(values[panel.case_id]) if values.get(panel.case_id) else None)
    assert {panel.label for panel in glass.cases} == {"a", "b", "healthy"}


def test_methods_writes_one_png_and_takes_named_cases(runs, draw, tmp_path):
    case_id = cases_of(runs["glass0"])[0]
    words = [
        "methods",
        runs["glass0"].path,
        runs["raw0"].path,
        "--cases",
        case_id,
        "--to",
        tmp_path / "m.png",
    ]
    code, _, err = draw(*words, "--workers", 1)
    assert code == 0, err
    assert imread(tmp_path / "m.png").std() > 0.05 and [p.name for p in tmp_path.iterdir()] == ["m.png"]


def test_the_maps_are_those_that_were_evaluated(runs, place, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "uad_bench.figures.method_grid.draw_method_grid", lambda *given: seen.append(given[1])
    )
    case_id = cases_of(runs["raw0"])[0]
    compare_methods.compare_methods([runs["raw0"]], [case_id], "", place.sources, tmp_path / "m.png")
    shown, raw = seen[0][0].cases[0].map, runs["raw0"].read_map("toy_data", case_id)
    brain = seen[0][0].cases[0].brain_mask
    assert not np.array_equal(shown[brain], raw[brain])  # the protocol's median came between
    assert shown[brain].std() < raw[brain].std()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["inside", "raw0"], 2, "shows no components"),
        (["inside", "glass0", "--cases", "a99"], 2, "unknown test case of toy_data 'a99'"),
        (["inside", "glass0", "--test", "mslub"], 2, "unknown test set"),
        (["inside", "glass0", "raw0", "--to", "x"], 2, "--to is for one run"),
        (["inside", "glass0", "--count", "0"], 2, "count"),
        (["inside", "glass0", "--device", "cuda:99"], 6, "--device auto"),
        (["inside", "/no/such/folder"], 2, "no such folder"),
        (["training", "raw0"], 2, "none of the runs has training curves"),
        (["training", "glass0", "--to", "x.svg"], 2, "is not a PNG file"),
        (["methods", "glass0", "--to", "x"], 2, "is not a PNG file"),
        (["methods", "glass0", "--test", "mslub"], 2, "unknown test set"),
        (["methods", "glass0", "--cases", "h99"], 2, "unknown test case"),
        (["sketch"], 2, "sketch"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)  # fmt: skip
def test_a_mistake_is_one_line_with_what_to_do(runs, draw, tmp_path, monkeypatch, words, code, text):
    monkeypatch.chdir(tmp_path)
    words = [runs[word].path if word in runs else word for word in words]
    found, _, err = draw(*words, data=words[0] not in {"training", "sketch"})
    assert (found, text in err) == (code, True), err
    assert err.startswith("error[UB") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_unfinished_run_has_curves_and_no_insides(runs, draw, tmp_path):
    copy = RunDir(shutil.copytree(runs["glass0"].path, tmp_path / "p/m/run"))
    copy.set_state("running")
    code, _, err = draw("inside", copy.path)
    assert code == 2 and "no complete run" in err
    assert draw("training", copy.path, "--to", tmp_path / "t.png", data=False)[0] == 0


def test_an_edited_run_and_damaged_curves_are_refused(runs, draw, tmp_path):
    copy = RunDir(shutil.copytree(runs["glass0"].path, tmp_path / "p/m/run"))
    (copy.path / "train.csv").write_text("phase,step,name,value\nphase0,x,loss,1\n")
    code, _, err = draw("training", copy.path, "--to", tmp_path / "t.png", data=False)
    assert code == 5 and "train.csv cannot be read" in err
    (copy.path / "model" / "weights.safetensors").write_bytes(b"x")
    assert draw("inside", copy.path)[0] == 5
    (copy.path / "cases.csv").write_text("x")
    assert draw("methods", copy.path, "--to", tmp_path / "t.png")[0] == 5
    assert not (tmp_path / "t.png").exists()


def test_components_that_cannot_be_drawn_are_the_methods_fault(place, draw):
    outcome = execute(specs(f"{METHODS}:Opaque"), place)
    code, _, err = draw("inside", outcome.done[0].path, "--count", 1)
    assert code == 4 and "NaN or infinite" in err and "error[UB404]" in err
    assert not list(outcome.done[0].path.glob("inside*"))
    shutil.rmtree(outcome.done[0].path)


def test_runs_of_two_protocols_are_not_beside_each_other(runs, place, draw, tmp_path):
    there = Workplace(tmp_path / "runs", place.sources, threads=1)
    execute(specs("thresh:raw", more=[(["protocol", "postprocess"], [])]), there)
    code, _, err = draw("methods", runs["glass0"].path, tmp_path / "runs", "--to", tmp_path / "m.png")
    assert code == 2 and "error[UB242]" in err and "2 protocols" in err
    assert not (tmp_path / "m.png").exists()


def test_a_case_named_twice_is_drawn_once(runs):
    case_id = cases_of(runs["glass0"])[0]
    assert len(run_cases.rows_of_tests(runs["glass0"], [case_id, f"toy_data/{case_id}", case_id])) == 1


def test_runs_on_other_voxels_share_no_case(runs, place, draw, tmp_path):
    root = shutil.copytree(place.sources.roots["toy_data"], tmp_path / "other")
    for path in root.glob("*_t2.nii.gz"):
        name = path.name.removesuffix("_t2.nii.gz")
        write_case(root, name, np.random.default_rng(len(name) + ord(name[-1])))
    there = Workplace(tmp_path / "runs", Sources(place.sources.cache, {"toy_data": root}), threads=1)
    execute(specs("thresh:raw"), there)
    code, _, err = draw("methods", runs["glass0"].path, tmp_path / "runs", "--to", tmp_path / "m.png")
    assert code == 2 and "do not share these test cases" in err
    assert not (tmp_path / "m.png").exists()


def test_a_case_that_is_not_what_the_run_was_made_on_is_left_out_of_the_pictures(runs, draw, place, tmp_path):
    other = shutil.copytree(place.sources.roots["toy_data"], tmp_path / "other")
    gone, *rest = cases_of(runs["glass0"])
    (other / f"{gone}_t2.nii.gz").write_bytes(b"x")
    there = Sources(place.sources.cache, {"toy_data": other})
    rows = run_cases.rows_of_tests(runs["glass0"], ())
    found, (error,) = run_cases.available(runs["glass0"], rows, there)
    assert len(found) == len(rest) and error.code == "UB323"
    left, (same,) = run_cases.available_members(runs["glass0"], rows, there)
    assert len(left) == len(rest) and same.code == "UB323"


def test_what_is_left_out_of_the_figures_ends_with_exit_code_7(runs, draw, place, tmp_path, monkeypatch):
    other = shutil.copytree(place.sources.roots["toy_data"], tmp_path / "other")
    gone, kept, *_ = cases_of(runs["glass0"])
    (other / f"{gone}_t2.nii.gz").write_bytes(b"x")
    monkeypatch.setitem(place.sources.roots, "toy_data", other)
    some = ["--cases", f"{gone},{kept}", "--to"]
    for words in (
        ["inside", runs["glass0"].path, *some, tmp_path / "inside"],
        ["methods", place.out, *some, "m.png"],
    ):
        monkeypatch.chdir(tmp_path)
        code, out, err = draw(*words)
        assert code == 7 and "picture: " in out, err
        assert "left out: not " in err and gone in err and "error[UB700]: 1 cases or runs are left out" in err
    assert draw("inside", runs["glass0"].path, "--cases", kept, "--to", tmp_path / "inside")[0] == 0


def test_a_run_that_is_not_complete_or_shows_nothing_is_left_out_of_the_figures(runs, draw, tmp_path):
    copies = [
        RunDir(shutil.copytree(runs[name].path, tmp_path / "p/m" / name))
        for name in ("glass0", "glass1", "raw0")
    ]
    copies[1].set_state("running")
    code, out, err = draw("inside", tmp_path, "--count", 1)
    assert code == 7 and out.count("picture: ") == 3
    assert "m/glass1 is not complete" in err and "shows no components" in err
    code, out, _ = draw("methods", tmp_path, "--to", tmp_path / "m.png")
    assert code == 7 and "(2 methods)" in out
