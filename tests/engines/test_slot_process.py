"""The process of a run in a slot: it ends with all that it started, whoever is killed, and signals reach it once."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from tests.engines.test_local import wait_for
from uad_bench.engines import local, signals, slot_process
from uad_bench.engines.slot_process import SlotProcess
from uad_bench.engines.slots import Slot, parse_slots
from uad_bench.errors import Terminated
from uad_bench.results.run_directory import RunDir

#: A run that is killed while a worker of it lives, which has its stderr.
LEAVES_A_WORKER = "{worker} & echo $! > {folder}/worker; sleep 0.1; kill -9 $$"
#: A run that writes down the signals that it gets, and saves for a moment.
SAVES = """
trap 'echo INT >> {folder}/got' INT
trap 'echo HUP >> {folder}/got' HUP
trap 'echo TERM >> {folder}/got; sleep {seconds}; echo saved >> {folder}/got; exit 143' TERM
echo begun > {folder}/begun
for _ in $(seq 1200); do sleep 0.05; done
"""
#: An engine with one run, whose command follows.
ENGINE = """
import signal, sys
from types import SimpleNamespace
from uad_bench.engines import local, signals, slots
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has signals ignored in the background
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
local._hours = lambda job: 1.0
jobs = [SimpleNamespace(label="run 0", directory=SimpleNamespace(name="run0", state="running"))]
local.execute_in_slots(jobs, lambda number, slot: sys.argv[1:], slots.parse_slots("local:1"))
"""


@pytest.fixture
def start(tmp_path):
    """start(script) -> the process of this script of the shell, and the lines that it has shown; it ends at last."""
    begun = []

    def start(script, **values):
        shown = []
        text = script.format(folder=tmp_path, **values)
        begun.append(SlotProcess(["sh", "-c", text], Slot("slot 0", 1), shown.append))
        return begun[-1], shown

    yield start
    for one in begun:
        one.wait(0)


def worker_of(folder):
    wait_for(lambda: (folder / "worker").is_file() and (folder / "worker").read_text().strip())
    return int((folder / "worker").read_text())


def lives(pid):
    """Whether a process runs; one that has ended and that nobody waits for is a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  # it may end meanwhile
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("worker", ["sleep 600", "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'"])
def test_a_worker_of_a_killed_run_ends_with_it(start, tmp_path, monkeypatch, worker):
    monkeypatch.setattr(slot_process, "DRAIN", 1.0)
    process, _ = start(LEAVES_A_WORKER, worker=worker)
    wait_for(process.has_ended, 60)
    assert process.code == -signal.SIGKILL
    wait_for(lambda: not lives(worker_of(tmp_path)), 60)


def test_a_worker_of_a_killed_run_is_asked_to_end_before_it_is_killed(start, tmp_path):
    worker = (
        'trap "echo asked > {folder}/asked; exit" TERM; touch {folder}/ready; while :; do sleep 0.1; done'
    )
    ready = "while [ ! -e {folder}/ready ]; do sleep 0.05; done"
    process, _ = start(f"sh -c '{worker}' & {ready}; kill -9 $$")
    wait_for(process.has_ended, 60)
    assert (tmp_path / "asked").exists()


def test_a_worker_that_cannot_be_found_does_not_hold_the_slot(start, tmp_path, monkeypatch):
    monkeypatch.setattr(slot_process, "DRAIN", 0.2)
    process, _ = start(LEAVES_A_WORKER, worker="setsid sleep 600")
    try:
        wait_for(process.has_ended, 60)
        assert process.code == -signal.SIGKILL and lives(worker_of(tmp_path))
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker_of(tmp_path), signal.SIGKILL)


def test_runs_go_on_after_one_that_was_killed_before_it_had_a_status(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_hours", lambda job: 1.0)
    jobs = [SimpleNamespace(label=f"run {n}", directory=RunDir(tmp_path / f"run{n}")) for n in range(2)]
    jobs[1].directory.set_state("complete")
    scripts = [LEAVES_A_WORKER.format(worker="sleep 600", folder=tmp_path), "exit 0"]
    outcome = local.execute_in_slots(
        jobs, lambda number, slot: ["sh", "-c", scripts[number]], parse_slots("local:1")
    )
    assert outcome.done == (jobs[1].directory,)
    assert "1 of 2 runs failed (run 0): its process was ended by SIGKILL" in str(outcome.error)


def test_a_run_whose_status_cannot_be_read_has_failed(tmp_path):
    (tmp_path / "status.json").write_text("{")
    error = local._failure(SimpleNamespace(directory=RunDir(tmp_path)), 0, "")
    assert "exit code 0" in str(error)


def test_the_last_error_of_a_process_is_kept_and_all_lines_are_shown(start):
    script = (
        "echo 'error[UB1]: first' >&2; echo '2026-01-01T00:00:00Z step' >&2; echo 'error[UB2]: b' >&2; exit 3"
    )
    process, shown = start(script)
    wait_for(process.has_ended, 60)
    assert (process.code, process.error) == (3, "error[UB2]: b")
    assert shown == ["error[UB1]: first", "step", "error[UB2]: b"]


@pytest.mark.parametrize(("seconds", "code"), [("0.3", 143), ("600", -signal.SIGKILL)])
def test_a_process_has_its_time_to_save_and_is_then_killed(start, tmp_path, monkeypatch, seconds, code):
    monkeypatch.setattr(local, "GRACE", 3.0)
    process, _ = start(SAVES, seconds=seconds)
    wait_for((tmp_path / "begun").exists)
    with pytest.raises(KeyError), local._ended_with_this_one() as processes:
        processes[0] = process
        raise KeyError
    assert process.code == code
    assert (tmp_path / "got").read_text().split() == (["TERM", "saved"] if code == 143 else ["TERM"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_what_a_terminal_sends_ends_the_engine_and_reaches_runs_once_as_sigterm(tmp_path, number):
    run = ["sh", "-c", SAVES.format(folder=tmp_path, seconds=0.5)]
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, *run], start_new_session=True, stderr=subprocess.DEVNULL
    ) as engine:
        wait_for((tmp_path / "begun").exists)
        os.killpg(engine.pid, number)
        wait_for((tmp_path / "got").exists)
        os.killpg(engine.pid, number)  # again, while the run saves
    assert (tmp_path / "got").read_text().split() == ["TERM", "saved"]


def test_a_signal_between_the_start_of_a_process_and_its_entry_leaves_no_process_behind(monkeypatch):
    ended = []

    class Started:
        def __init__(self, *_):
            signal.raise_signal(signal.SIGTERM)

        def terminate(self):
            ended.append(self)

        def wait(self, seconds):
            pass

    monkeypatch.setattr(local, "SlotProcess", Started)
    monkeypatch.setattr(local, "_hours", lambda job: 1.0)
    jobs = [SimpleNamespace(label="run 0")]
    with signals.handled([signal.SIGTERM], signals._terminate), pytest.raises(Terminated):
        local.execute_in_slots(jobs, lambda number, slot: [], parse_slots("local:1"))
    assert len(ended) == 1


def test_signals_that_are_ignored_stay_so():
    with signals.handled([signal.SIGHUP], signal.SIG_IGN), signals.end_as_sigterm(), signals.held_back():
        signal.raise_signal(signal.SIGHUP)  # after nohup
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_handlers_come_back_and_other_threads_set_none():
    before = signal.getsignal(signal.SIGTERM)
    with signals.ignored():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    seen = []

    def elsewhere():
        with signals.ignored(), signals.held_back():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
