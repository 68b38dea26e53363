"""The command inside a Slurm job: its end is written down, SIGUSR2 becomes SIGTERM, and nothing outlives the job."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.engines.test_local import wait_for
from uad_bench.engines import slurm_job
from uad_bench.engines.slurm_job import JobFailed, SlurmJob
from uad_bench.support.atomic_files import read_json, write_text

SAVES = """#!/bin/sh
trap 'echo saved > {0}/saved; exit 143' TERM
echo begun > {0}/begun
for _ in $(seq 600); do sleep 0.05; done
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """child(script): the interpreter of jobs is this script."""

    def make(script):
        write_text(tmp_path / "python", script.format(tmp_path))
        (tmp_path / "python").chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        return SlurmJob(["run", "ae"], str(tmp_path / "ended.json"), 5.0)

    return make


def test_the_end_of_a_command_is_written_down(child, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert child("#!/bin/sh\nexit 0\n")() == 0
    found = read_json(tmp_path / "ended.json")
    assert (found["code"], found["job"], found["starts"], found["error"]) == (0, "12_3", 3, "")


def test_an_error_of_a_command_is_kept_and_fails_the_job(child, tmp_path, capsys):
    script = "#!/bin/sh\necho working >&2\necho 'error[UB301]: no folder' >&2\nexit 3\n"
    with pytest.raises(JobFailed, match="no folder"):
        child(script)()
    found = read_json(tmp_path / "ended.json")
    assert (found["code"], found["error"]) == (3, "error[UB301]: no folder")
    assert "working" in capsys.readouterr().err


def test_a_killed_command_has_the_code_of_its_signal(child, tmp_path):
    with pytest.raises(JobFailed):
        child("#!/bin/sh\nkill -9 $$\n")()
    assert read_json(tmp_path / "ended.json")["code"] == 137


def test_sigusr2_does_not_reach_the_command_and_a_checkpoint_ends_it_after_it_saved(child, tmp_path):
    pytest.importorskip("submitit")
    job, answers, earlier = child(SAVES), [], slurm_job._child

    def interrupt():
        wait_for(lambda: (tmp_path / "begun").exists() and slurm_job._child is not earlier)
        os.kill(slurm_job._child.pid, signal.SIGUSR2)
        time.sleep(0.2)
        answers.append(slurm_job._child.poll())
        answers.append(job.checkpoint())

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(JobFailed, match="143"):
        job()
    other.join()
    assert answers[0] is None
    assert answers[1].function == job
    assert (tmp_path / "saved").exists()
    assert read_json(tmp_path / "ended.json")["code"] == 143


def test_a_command_that_does_not_end_is_killed(child, tmp_path):
    job = child("#!/bin/sh\ntrap '' TERM\necho begun > {0}/begun\nsleep 60 & wait; wait\n")
    job.grace = 0.3

    earlier = slurm_job._child

    def interrupt():
        # The command may have begun before its process is known here.
        wait_for(lambda: (tmp_path / "begun").exists() and slurm_job._child is not earlier)
        slurm_job._end(slurm_job._child, job.grace)

    threading.Thread(target=interrupt).start()
    with pytest.raises(JobFailed):
        job()
    assert read_json(tmp_path / "ended.json")["code"] == 137


def test_the_command_does_not_outlive_a_killed_job(tmp_path):
    write_text(tmp_path / "python", SAVES.format(tmp_path))
    (tmp_path / "python").chmod(0o755)
    script = (
        "import sys; from uad_bench.engines.slurm_job import SlurmJob;"
        f"sys.executable = {str(tmp_path / 'python')!r};"
        f"SlurmJob(['run'], {str(tmp_path / 'ended.json')!r}, 5.0)()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL) as job:
        wait_for((tmp_path / "begun").exists)
        job.kill()
    wait_for((tmp_path / "saved").exists)
    assert "code" not in read_json(tmp_path / "ended.json")


def test_what_a_killed_checkpoint_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBMITIT_FOLDER", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    for name in ("5_submitted.pkl.save_tmp", "6_submitted.pkl.save_tmp"):
        (tmp_path / name).touch()
    slurm_job._remove_leftovers()
    assert [path.name for path in tmp_path.iterdir()] == ["6_submitted.pkl.save_tmp"]
