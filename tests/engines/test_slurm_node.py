"""Runs as jobs of a real Slurm of one node: results of the serial command, whatever happens to the jobs."""

import signal
import subprocess
import sys
import time

import pytest

from tests.engines.test_local import results
from tests.helpers.command import call
from tests.helpers.slurm import methods, node, pretended_cards
from tests.helpers.slurm.matrix import FILE, all_done, are_training
from uad_bench.engines import matrix_file, squeue, states
from uad_bench.support.atomic_files import read_json, write_text

#: Minutes on two free cores; each test starts a dozen processes.
pytestmark = pytest.mark.slow
GATED, PROBE = (f"{methods.__file__}:{name}" for name in ("Gated", "Probe"))
CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The folder of a Slurm of one node, known to this process by $SLURM_CONF."""
    pytest.importorskip("submitit")
    if why := node.why_not():
        pytest.skip(why)
    with node.running(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


@pytest.fixture
def submit(slurm, words, tmp_path, monkeypatch, capsys):
    """submit(method, ...) submits their runs into `slurm` and gives the folder of the matrix."""
    write_text(tmp_path / "file.yaml", FILE)
    monkeypatch.setenv("UAD_TRIAL", str(tmp_path))

    def submit(*names, options=CPU):
        typed = [
            *words(*names, out="slurm"),
            "--checkpoint-minutes",
            "0",
            *options,
            "--on",
            f"slurm:{tmp_path / 'file.yaml'}",
        ]
        code, _, err = call(monkeypatch, capsys, *typed)
        assert code == 0, err
        return matrix_file.matrices(tmp_path / "slurm")[-1]

    return submit


def found(folder):
    """The states of the runs of a matrix at this moment."""
    matrix = matrix_file.load(folder)
    return states.states(folder, matrix, squeue.ask([one.name for one in matrix.submissions]))


def wait(folder, condition, seconds=900):
    """Wait until the states of the runs fulfil a condition; the states."""
    end = time.monotonic() + seconds
    while not condition(now := found(folder)):
        assert time.monotonic() < end, now
        time.sleep(0.3)
    return now


def open_gate(tmp_path):
    """Let the trainings come to their end at once."""
    (tmp_path / methods.GATE).touch()


def log_of(folder, number=0):
    return (states.run_of(folder, number).path / "log.txt").read_text()


def test_jobs_have_the_results_of_the_serial_command(submit, words, tmp_path, monkeypatch, capsys):
    folder = submit("thresh", "random")
    assert {one.state for one in found(folder)} <= {"waiting", "running", "done"}
    wait(folder, all_done)
    assert call(monkeypatch, capsys, *words("thresh", "random", out="serial"))[0] == 0
    assert results(tmp_path / "slurm") == results(tmp_path / "serial")
    submit("thresh", "random")
    # prepare, runs, board: complete runs are not submitted again
    assert len(matrix_file.load(folder).submissions) == 3


def test_a_run_that_reaches_its_limit_is_queued_again_and_continues(
    submit, words, tmp_path, monkeypatch, capsys
):
    folder = submit(GATED)
    job = wait(folder, are_training)[0].queued.job
    subprocess.run(["scancel", "--signal=USR2", job], check=True)  # what Slurm sends before a time limit
    wait(folder, lambda now: now[0].state == "waiting" or log_of(folder).count("begin on") == 2)
    open_gate(tmp_path)
    wait(folder, all_done)
    assert read_json(matrix_file.job_record(folder, "run", 0))["starts"] == 2
    assert log_of(folder).count("begin on") == 2
    steps = (tmp_path / "Gated-0").read_text().split()
    assert steps == [str(step) for step in range(400)]  # no step is made twice
    assert call(monkeypatch, capsys, *words(GATED, out="serial"), "--checkpoint-minutes", "0", *CPU)[0] == 0
    assert results(tmp_path / "slurm") == results(tmp_path / "serial")


@pytest.mark.parametrize("way", ["kill", "scancel"])
def test_a_job_that_was_killed_is_lost_and_submitted_again(submit, tmp_path, monkeypatch, capsys, way):
    folder = submit(GATED)
    job = wait(folder, are_training)[0].queued.job
    subprocess.run(["scancel", *(["--signal=KILL"] if way == "kill" else []), job], check=True)
    (lost,) = wait(folder, lambda now: now[0].state not in {"running", "waiting"})
    assert lost.state == "lost"
    open_gate(tmp_path)
    assert call(monkeypatch, capsys, "jobs", tmp_path / "slurm", "--retry")[0] == 0
    wait(folder, all_done)
    assert log_of(folder).count("begin on") == 2


def test_a_job_is_cancelled_and_told_so(submit, tmp_path, monkeypatch, capsys):
    folder = submit(GATED)
    wait(folder, are_training)
    assert call(monkeypatch, capsys, "jobs", tmp_path / "slurm", "--cancel")[0] == 0
    wait(folder, lambda now: now[0].state == "cancelled")


def test_slurmd_that_ends_and_comes_back_loses_no_run(submit, tmp_path, slurm):
    folder = submit(GATED)
    wait(folder, are_training)
    subprocess.run([node.SCRIPT, "restart-slurmd", slurm], check=True)
    open_gate(tmp_path)
    wait(folder, all_done)
    assert log_of(folder).count("fit on") == 1


def test_a_submitting_process_that_is_killed_loses_no_run(submit, words, tmp_path, monkeypatch, capsys):
    typed = [*map(str, words("thresh", out="slurm")), *CPU, "--on", f"slurm:{tmp_path / 'file.yaml'}"]
    with subprocess.Popen([sys.executable, "-m", "uad_bench", *typed]) as process:
        while process.poll() is None and not list(tmp_path.glob("slurm/jobs/*/log/*_submission.sh")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    folder = submit("thresh")
    now = wait(folder, lambda now: not {one.state for one in now} & {"running", "waiting"}, 150)
    if not all_done(now):  # killed between sbatch and submitit's record: the job ends after a minute
        assert {one.state for one in now} <= {"done", "lost", "failed"}
        assert call(monkeypatch, capsys, "jobs", tmp_path / "slurm", "--retry")[0] == 0
    wait(folder, all_done, 150)


def test_four_gpus_are_never_given_to_two_runs_at_once(submit, tmp_path):
    site = pretended_cards.pretend_in(tmp_path / "site")
    write_text(tmp_path / "file.yaml", f"{FILE}setup: ['export PYTHONPATH={site}:$PYTHONPATH']\n")
    folder = submit(PROBE, options=["--seeds", "8"])
    now = wait(folder, lambda now: not {one.state for one in now} & {"running", "waiting"})
    assert all_done(now), now
    assert len(pretended_cards.cards(tmp_path)) == 8
