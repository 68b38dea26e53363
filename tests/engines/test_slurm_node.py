"""Runs as jobs of a real Slurm of one node: results of the serial command, whatever happens to the jobs."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engines.test_local import results
from tests.helpers.command import call
from uad_bench.engines import matrix_file, squeue, states
from uad_bench.support.atomic_files import read_json, write_text

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm-node"
#: Minutes on two free cores; each test starts a dozen processes.
pytestmark = pytest.mark.slow
TOOLS = ("slurmctld", "slurmd", "munged", "sbatch", "srun")
FILE = """
cpus: 1
memory_gib: 0.5
hours: 1
signal_seconds: 40
prepare: {jobs: 2, memory_gib: 0.5}
board: {memory_gib: 0.5}
"""
SLOW = ["--set", "blur.steps=80", "--set", "blur.sleep=0.2", "--checkpoint-minutes", "0"]
PROBE = """
import os, time
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from uad_bench import Method


@dataclass
class Probe(Method):
    folder: str = ""

    def fit(self, train, val, ctx):
        card = os.environ["CUDA_VISIBLE_DEVICES"]
        taken = Path(self.folder) / f"gpu{card}"
        taken.touch(exist_ok=False)
        time.sleep(2)
        taken.unlink()
        (Path(self.folder) / f"seed{ctx.seed}").write_text(card)

    def score(self, scan, ctx):
        return scan.image[0]
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A Slurm of one node, known to this process by $SLURM_CONF."""
    pytest.importorskip("submitit")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"no Slurm can be started here: {missing or 'not root'}")
    folder = tmp_path_factory.mktemp("slurm")
    port = {**os.environ, "UAD_SLURM_PORT": str(random.randrange(20_000, 30_000, 2))}
    with pytest.MonkeyPatch.context() as patch:
        subprocess.run([SCRIPT, "up", folder], check=True, env=port)
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield folder
        subprocess.run([SCRIPT, "down", folder], check=True)


@pytest.fixture
def submit(node, words, tmp_path, monkeypatch, capsys):
    """submit(method, ...) submits their runs into `slurm` and gives the folder of the matrix."""
    write_text(tmp_path / "file.yaml", FILE)

    def submit(*methods, options=("--device", "cpu")):
        typed = [*words(*methods, out="slurm"), *options, "--on", f"slurm:{tmp_path / 'file.yaml'}"]
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


def all_done(now):
    return {one.state for one in now} == {"done"}


def training(now):
    return now[0].detail.startswith("training")


def log_of(folder, number=0):
    return (states.run_of(folder, number).path / "log.txt").read_text()


def test_jobs_have_the_results_of_the_serial_command(submit, words, tmp_path, monkeypatch, capsys):
    folder = submit("thresh", "random")
    assert {one.state for one in found(folder)} <= {"waiting", "running", "done"}
    wait(folder, all_done)
    assert call(monkeypatch, capsys, *words("thresh", "random", out="serial"))[0] == 0
    assert results(tmp_path / "slurm") == results(tmp_path / "serial")
    submit("thresh", "random")
    assert (
        len(matrix_file.load(folder).submissions) == 3
    )  # prepare, runs, board: complete runs are not submitted


def test_a_run_that_reaches_its_limit_is_queued_again_and_continues(
    submit, words, tmp_path, monkeypatch, capsys
):
    folder = submit("Blur", options=["--device", "cpu", *SLOW])
    job = wait(folder, training)[0].queued.job
    subprocess.run(["scancel", "--signal=USR2", job], check=True)  # what Slurm sends before a time limit
    wait(folder, lambda now: now[0].state == "waiting" or log_of(folder).count("begin on") == 2)
    wait(folder, all_done)
    assert read_json(matrix_file.job_record(folder, "run", 0))["starts"] == 2
    assert log_of(folder).count("begin on") == 2
    assert call(monkeypatch, capsys, *words("Blur", out="serial"), *SLOW)[0] == 0
    assert results(tmp_path / "slurm") == results(tmp_path / "serial")


@pytest.mark.parametrize("way", ["kill", "scancel"])
def test_a_job_that_was_killed_is_lost_and_submitted_again(submit, tmp_path, monkeypatch, capsys, way):
    folder = submit("Blur", options=["--device", "cpu", *SLOW])
    job = wait(folder, training)[0].queued.job
    subprocess.run(["scancel", *(["--signal=KILL"] if way == "kill" else []), job], check=True)
    (lost,) = wait(folder, lambda now: now[0].state not in {"running", "waiting"})
    assert lost.state == "lost"
    assert call(monkeypatch, capsys, "jobs", tmp_path / "slurm", "--retry")[0] == 0
    wait(folder, all_done)
    assert log_of(folder).count("begin on") == 2


def test_a_job_is_cancelled_and_told_so(submit, tmp_path, monkeypatch, capsys):
    folder = submit("Blur", options=["--device", "cpu", *SLOW])
    wait(folder, training)
    assert call(monkeypatch, capsys, "jobs", tmp_path / "slurm", "--cancel")[0] == 0
    wait(folder, lambda now: now[0].state == "cancelled")


def test_slurmd_that_ends_and_comes_back_loses_no_run(submit, node):
    folder = submit("Blur", options=["--device", "cpu", *SLOW])
    wait(folder, training)
    subprocess.run([SCRIPT, "restart-slurmd", node], check=True)
    wait(folder, all_done)
    assert log_of(folder).count("fit on") <= 2


def test_a_submitting_process_that_is_killed_loses_no_run(submit, words, tmp_path, node):
    typed = [
        *map(str, words("thresh", out="slurm")),
        "--device",
        "cpu",
        "--on",
        f"slurm:{tmp_path / 'file.yaml'}",
    ]
    with subprocess.Popen([sys.executable, "-m", "uad_bench", *typed]) as process:
        while process.poll() is None and not list(tmp_path.glob("slurm/jobs/*/log/*_submission.sh")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    wait(submit("thresh"), all_done)


def test_a_gpu_is_never_given_to_two_runs(submit, tmp_path):
    write_text(tmp_path / "probe.py", PROBE)
    write_text(tmp_path / "file.yaml", FILE + "setup: ['export UAD_PROBE=1']\n")
    folder = submit(f"{tmp_path / 'probe.py'}:Probe", options=["--seeds", "6", "--set", f"folder={tmp_path}"])
    now = wait(folder, lambda now: not {one.state for one in now} & {"running", "waiting"})
    cards = [path.read_text() for path in tmp_path.glob("seed*")]
    assert len(cards) == 6, now
    assert set(cards) <= {"0", "1", "2", "3"}
