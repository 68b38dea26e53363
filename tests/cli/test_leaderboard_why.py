"""`leaderboard why`: names of runs, exit codes, words."""

import pytest

from tests.helpers.command import call
from uad_bench.config import RunSpec, load_protocol
from uad_bench.results.csv_tables import METRIC_COLUMNS, SPLIT_COLUMNS
from uad_bench.results.run_directory import run_dir


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two comparable runs and one of another protocol, in ./runs."""
    monkeypatch.chdir(tmp_path)
    for method, protocol in (("ae", "phantom"), ("vae", "phantom"), ("ae", "uad-2mm")):
        spec = RunSpec(
            method=method,
            target="m:A",
            parameters={},
            protocol=load_protocol(protocol),
            test=("phantom",),
            seed=0,
        )
        run = run_dir(tmp_path / "runs", spec, "cohort")
        run.write_spec(spec)
        run.write_table("splits.csv", SPLIT_COLUMNS, [])
        run.write_table("metrics.csv", METRIC_COLUMNS, [])
        run.seal()
        run.set_state("complete")
    return tmp_path / "runs"


def test_two_runs_of_one_protocol_are_comparable(runs, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "leaderboard", "why", "phantom/ae", "phantom/vae")
    assert code == 0 and "are comparable on phantom" in out


def test_two_runs_of_two_protocols_are_not_and_it_says_why(runs, monkeypatch, capsys):
    folder = next((runs / "uad-2mm").rglob("spec.yaml")).parent
    code, out, _ = call(monkeypatch, capsys, "leaderboard", "why", str(folder), "vae", "runs")
    assert code == 0 and "not comparable on phantom: protocol differs: uad-2mm against phantom" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [(["phantom/ae", "nobody"], "nobody"), (["ae/seed0", "phantom/vae"], "3 runs"), (["phantom/ae"], "two runs"),
     (["phantom/ae", "runs"], "3 runs"), (["phantom/ae", "phantom/ae"], "both words name the run phantom/ae")],
)  # fmt: skip
def test_an_unknown_or_ambiguous_name_is_one_line_and_exit_code_2(runs, monkeypatch, capsys, words, said):
    code, _, err = call(monkeypatch, capsys, "leaderboard", "why", *words)
    assert code == 2 and said in err and err.count("\n") == 1


def test_the_leaderboard_itself_still_takes_folders(runs, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "leaderboard", str(runs), "--format", "json")
    assert code == 0 and '"tables"' in out


def test_a_folder_that_does_not_exist_is_an_error_and_not_a_folder_without_runs(runs, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "leaderboard", "why", "phantom/ae", "phantom/vae", "runz")
    assert code == 2 and "no such folder of runs (runz)" in err


def test_of_many_runs_an_unknown_name_is_told_their_number_and_some_examples(runs, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "leaderboard", "why", "xyz", "phantom/vae")
    assert code == 2 and "no run has 'xyz' in its name (3 runs in runs, for instance phantom/ae/seed0" in err


def test_a_folder_without_runs_and_an_unknown_format_are_named(tmp_path, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "leaderboard", tmp_path, "--format", "csv")
    assert code == 0 and f"no runs in {tmp_path}: " in err
    code, _, err = call(monkeypatch, capsys, "leaderboard", tmp_path, "--format", "pdf")
    assert code == 2 and "known: csv, html, json, latex, markdown, text" in err
