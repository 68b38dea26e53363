"""Verbs on finished runs look for the data where the run found it, unless the user names another folder."""

import json
import re
import shutil

import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, execute, matrix
from tests.helpers.toy_data import make
from uad_bench.cohort.discovery import Sources
from uad_bench.pipeline.run_job import Workplace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of `thresh`, its data and its cache."""
    folder = tmp_path_factory.mktemp("recorded")
    root = make(folder / "toy")
    place = Workplace(folder / "runs", Sources(folder / "cache", {"toy_data": root}), threads=1)
    (run,) = execute(matrix("thresh"), place)
    return run, root, folder


@pytest.fixture
def verb(made, monkeypatch, capsys):
    """verb(*words) -> exit code, stdout, stderr; no --data unless it is given."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(made[2] / "cache"))
    monkeypatch.delenv("UAD_BENCH_DATA", raising=False)
    return lambda *words: call(monkeypatch, capsys, *words)


def test_the_folders_are_recorded_as_absolute_paths(made):
    run, root, _ = made
    assert run.environment()["roots"] == {"toy_data": str(root)}
    assert root.is_absolute()


def test_the_folder_of_the_environment_variable_is_recorded_too(made, tmp_path, monkeypatch):
    run, root, folder = made
    monkeypatch.setenv("UAD_BENCH_DATA", str(tmp_path))
    shutil.copytree(root, tmp_path / "Toy_Data")
    place = Workplace(tmp_path / "runs", Sources(folder / "cache"), threads=1)
    (other,) = execute(matrix("thresh"), place)
    assert other.environment()["roots"] == {"toy_data": str(tmp_path / "Toy_Data")}
    assert other.name == run.name


@pytest.mark.parametrize(
    "words",
    [("export", "--to", "out"), ("draw", "methods", "--to", "out.png"), ("evaluate",)],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_verb_needs_no_data_option(made, verb, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    run, root, _ = made
    code, _, err = verb(*words, run.path, "--trust", DATA)
    assert code == 0, err
    assert len(re.findall(f"toy_data in {re.escape(str(root))}, as the run recorded", err)) == 1


def test_a_folder_that_the_user_names_counts(made, verb, tmp_path):
    run, root, _ = made
    other = shutil.copytree(root, tmp_path / "other")
    code, _, err = verb("export", run.path, "--to", tmp_path / "out", "--data", f"{DATA}={other}")
    assert code == 0 and "as the run recorded" not in err


def test_a_recorded_folder_that_is_gone_is_one_line_that_says_what_to_give(made, verb, tmp_path):
    run = shutil.copytree(made[0].path, tmp_path / "runs" / "toy" / "thresh" / "run")
    file = run / "env.json"
    roots = {"roots": {"toy_data": str(tmp_path / "gone")}}
    file.write_text(json.dumps(json.loads(file.read_text()) | roots))
    (run / "digests.json").write_text(
        json.dumps(
            {k: v for k, v in json.loads((run / "digests.json").read_text()).items() if k != "env.json"}
        )
    )
    code, _, err = verb("export", run, "--to", tmp_path / "out", "--trust", DATA)
    assert code == 3 and "UB301" in err and "--data" in err
    roots = {"roots": ["nonsense"]}
    file.write_text(json.dumps(json.loads(file.read_text()) | roots))
    code, _, err = verb("export", run, "--to", tmp_path / "out", "--trust", DATA)
    assert code == 5 and "no readable env.json" in err
