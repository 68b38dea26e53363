"""A run that was moved or renamed is evaluated again where it lies, and what is new lies beside it."""

import shutil

import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, METHODS, execute, matrix
from uad_bench.errors import IntegrityError, UsageError
from uad_bench.pipeline.reevaluate import reevaluate
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir

METRICS = [(["protocol", "metrics"], ["ap"])]
RAW = [(["protocol", "postprocess"], [])]
NAMED = [(["protocol", "name"], "mine")]


@pytest.fixture
def moved(place, tmp_path):
    """moved(path) -> a copy of a run there, below an empty folder."""
    (made,) = execute(matrix("Blur"), place())
    return lambda path: RunDir(shutil.copytree(made.path, tmp_path / "far" / path))


def runs_below(folder):
    return {run.path.relative_to(folder).as_posix() for run in find_runs([folder])}


@pytest.mark.parametrize("name", ["moved", "a/b/c/moved", "toy/blur/renamed", "seed0-01234567"])
def test_a_moved_run_is_replaced_where_it_lies(moved, place, tmp_path, name):
    run = moved(name)
    again = reevaluate(run, METRICS, place().sources)
    assert again.path == run.path and {row["metric"] for row in run.table("cases.csv")} == {"ap"}
    assert runs_below(tmp_path / "far") == {name}
    assert not {path.name for path in tmp_path.iterdir()} & {"toy", "blur"}


@pytest.mark.parametrize("change", [RAW, NAMED])
def test_a_new_run_lies_beside_a_moved_one_and_replaces_itself_only(moved, place, tmp_path, change):
    run = moved("a/moved")
    before = (run.path / "digests.json").read_bytes()
    new = reevaluate(run, change, place().sources)
    assert new.path.parent == run.path.parent and new.path.name.startswith(
        new.spec().protocol.name + "-seed0-"
    )
    assert reevaluate(run, change, place().sources).path == new.path
    assert runs_below(tmp_path / "far") == {"a/moved", f"a/{new.path.name}"}
    assert (run.path / "digests.json").read_bytes() == before
    assert reevaluate(new, [], place().sources).path == new.path


def test_a_folder_that_is_taken_is_never_replaced(moved, place):
    run = moved("a/moved")
    new = reevaluate(run, RAW, place().sources)
    shutil.rmtree(new.path)
    new.path.mkdir()
    (new.path / "notes.txt").write_text("mine")
    with pytest.raises(IntegrityError, match=r"no spec\.yaml"):
        reevaluate(run, RAW, place().sources)
    assert (new.path / "notes.txt").read_text() == "mine"
    shutil.rmtree(new.path)
    shutil.copytree(run.path, new.path)
    with pytest.raises(UsageError, match="is taken"):
        reevaluate(run, RAW, place().sources)
    with pytest.raises(UsageError, match="is taken"):
        reevaluate(RunDir(new.path), RAW, place().sources)


def test_the_path_of_a_new_run_is_printed(place, toy_root, toy_cache, monkeypatch, capsys):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    (run,) = execute(matrix("Blur"), place())
    words = ("evaluate", run.path, "--data", f"{DATA}={toy_root}", "--trust", f"{METHODS}:Blur")
    code, out, err = call(monkeypatch, capsys, *words, "--set", "protocol.postprocess=[]")
    (new,) = {one.path for one in find_runs([place().out])} - {run.path}
    assert code == 0, err
    assert f"results: {new}" in out
    code, out, _ = call(monkeypatch, capsys, *words)
    assert code == 0 and "results:" not in out
