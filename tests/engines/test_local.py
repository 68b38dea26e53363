"""Runs in slots on one machine: the results of the serial command, failures, signals."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers.command import call
from tests.helpers.slurm import methods, pretended_cards
from uad_bench.engines import local
from uad_bench.engines.slots import parse_slots
from uad_bench.pipeline.matrix import Matrix
from uad_bench.results.run_directory import RunDir

#: A run without Python's packages: it fails where another run has its card.
SEES = """
import os, pathlib, sys, time
trial, run, card = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), os.environ["CUDA_VISIBLE_DEVICES"]
(trial / f"taken{card}").touch(exist_ok=False)
time.sleep(0.1)
(trial / f"taken{card}").unlink()
with (trial / "cards").open("a") as file:
    file.write(card + chr(10))
run.mkdir()
(run / "status.json").write_text('{"state": "complete"}')
"""


def results(folder):
    """The tables and maps of all runs below a folder, by name."""
    files = [
        path for path in folder.rglob("*") if path.suffix in {".csv", ".npz"} and path.name != "train.csv"
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_matrix_in_two_slots_has_the_results_of_the_serial_command(words, tmp_path, monkeypatch, capsys):
    matrix = ("thresh", "Blur")
    assert call(monkeypatch, capsys, *words(*matrix, out="one"))[0] == 0
    code, out, err = call(monkeypatch, capsys, *words(*matrix, out="two"), "--on", "local:2")
    assert code == 0, err
    assert "thresh" in out
    assert "blur" in out
    assert results(tmp_path / "one") == results(tmp_path / "two")
    assert len([name for name in results(tmp_path / "two") if name.endswith("/metrics.csv")]) == 2


def test_four_gpus_are_never_shared_by_two_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(local, "_hours", lambda job: 1.0)
    jobs = [SimpleNamespace(label=f"run {n}", directory=RunDir(tmp_path / f"run{n}")) for n in range(24)]

    def command(number, slot):
        return [sys.executable, "-S", "-c", SEES, tmp_path, jobs[number].directory.path]

    outcome = local.execute_in_slots(jobs, command, parse_slots("gpus:0,1,2,3", threads=1))
    assert outcome.error is None, outcome.error
    assert Counter(pretended_cards.cards(tmp_path)).keys() == {"0", "1", "2", "3"}
    assert len(pretended_cards.cards(tmp_path)) == 24


@pytest.mark.slow
def test_runs_on_four_gpus_see_one_each(words, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    site = pretended_cards.pretend_in(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", site, prepend=os.pathsep)
    monkeypatch.setenv("UAD_TRIAL", str(tmp_path))
    probe = f"{methods.__file__}:Probe"
    code, _, err = call(monkeypatch, capsys, *words(probe), "--seeds", "6", "--on", "gpus:0,1,2,3")
    assert code == 0, err
    cards = pretended_cards.cards(tmp_path)
    assert (len(cards), len(set(cards))) == (6, 4)


def test_only_carries_out_one_run_of_the_matrix(words, tmp_path, monkeypatch, capsys):
    assert call(monkeypatch, capsys, *words("thresh", "random"), "--seeds", "2", "--only", "3")[0] == 0
    assert [path.parent.name.split("-")[0] for path in tmp_path.rglob("metrics.csv")] == ["seed1"]
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--only", "1")
    assert (code, "the matrix has 1 runs, 0 to 0" in err) == (2, True)
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--only", "0", "--on", "local:2")
    assert (code, "exclude each other" in err) == (2, True)


def test_a_single_failure_has_the_code_of_the_run_and_quiet_hides_no_warning(words, monkeypatch, capsys):
    serial = call(monkeypatch, capsys, *words("GivesNaN", out="serial"), "--quiet")
    code, _, err = call(monkeypatch, capsys, *words("GivesNaN", out="slots"), "--quiet", "--on", "local:1")
    assert (code, serial[0]) == (4, 4)
    assert "FAILED" in err
    assert "NaN" in err
    code, _, err = call(monkeypatch, capsys, *words("GivesNaN", out="slots"), "--on", "local:1")
    assert (code, "error[UB210]: an unfinished run is here" in err, "NaN" in err) == (2, True, False)


def test_a_run_that_fails_stops_no_other(words, tmp_path, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, *words("thresh", "GivesNaN"), "--on", "local:2")
    assert code == 7
    assert "1 of 2 runs failed" in err and "thresh" in out


@pytest.mark.parametrize(
    ("code", "what"), [(-9, "SIGKILL (kill -9, or out of memory)"), (-11, "signal 11"), (1, "exit code 1")]
)
def test_a_run_whose_process_was_killed_is_told_with_the_way_it_ended(code, what):
    directory = SimpleNamespace(state="running", name="seed0")
    error = local._failure(SimpleNamespace(directory=directory), code, "")
    assert what in str(error)
    assert ("fewer runs at once" in str(error)) == (code == -9)


@pytest.mark.parametrize(("code", "what"), [(2, "an unfinished run"), (-9, "SIGKILL"), (1, "exit code 1")])
def test_the_error_of_an_earlier_command_is_not_told_as_that_of_this_one(code, what):
    status = {"state": "failed", "error": "3 voxels are NaN", "code": "UB404"}
    directory = SimpleNamespace(status=lambda: status, state="failed", name="seed0")
    said = "error[UB210]: an unfinished run is here (seed0): add --resume" if code == 2 else ""
    error = local._failure(SimpleNamespace(directory=directory), code, said)
    assert (what in str(error), "NaN" in str(error)) == (True, False)
    assert error.code == ("UB210" if code == 2 else local.RunFailed.code)
    assert error.exit_code == (code if code > 0 else 6)


def test_sigterm_ends_the_processes_which_save_and_resume_repeats_no_step(words, tmp_path, monkeypatch):
    monkeypatch.setenv("UAD_TRIAL", str(tmp_path))
    seldom = ["--checkpoint-minutes", "600"]  # a process that is killed has saved nothing
    typed = [*map(str, words(f"{methods.__file__}:Gated")), *seldom, "--on", "local:2"]
    command, journal = [sys.executable, "-m", "uad_bench", *typed], tmp_path / "Gated-0"
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: journal.is_file() and len(journal.read_text().split()) > 1)
    parent.send_signal(signal.SIGTERM)
    _, err = parent.communicate(timeout=600)
    assert parent.returncode == 143
    assert "interrupted" in err
    assert not running(tmp_path)
    (tmp_path / methods.GATE).touch()
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert journal.read_text().split() == [str(step) for step in range(400)]


def test_runs_of_methods_that_declare_more_hours_begin_first(tmp_path):
    specs = Matrix(("thresh", "ae", "patch2loc:conv")).specs()
    jobs = [
        SimpleNamespace(label=one.method, spec=one, directory=RunDir(tmp_path / one.method)) for one in specs
    ]
    begun = []

    def command(number, slot):
        begun.append(jobs[number].label)
        return ["false"]

    local.execute_in_slots(jobs, command, parse_slots("local:1"))
    assert begun == ["patch2loc:conv", "ae", "thresh"]


def test_a_line_that_every_process_says_is_shown_once(caplog):
    board = local._Board([])
    for line in ("ixi: 3 cases left out", "", "ixi: 3 cases left out", "ae seed 0: done"):
        board.show(line)
    assert caplog.messages == ["ixi: 3 cases left out", "ae seed 0: done"]


def test_a_line_now_and_then_says_which_runs_are_under_way(monkeypatch, caplog):
    caplog.set_level("INFO", "uad_bench")
    assert local.REPORT < 30
    monkeypatch.setattr(local, "REPORT", 0)
    jobs = [SimpleNamespace(label=f"ae seed {seed}") for seed in range(5)]
    local._Board(jobs).report(running={3: "", 1: ""}.keys(), waiting=2)
    assert caplog.messages == ["1 of 5 runs ended, running: ae seed 1, ae seed 3, 2 waiting, after 0 s"]


def wait_for(condition, seconds=600):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def running(folder):
    """The processes that name a folder in their command lines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                str(folder).encode() in (process / "cmdline").read_bytes()
                and int(process.name) != os.getpid()
            ):
                found.append(process.name)
        except OSError:
            continue
    return found
