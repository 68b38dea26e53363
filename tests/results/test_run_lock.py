"""F79: two processes and one run: the second is told which process has it."""

import os
import subprocess
import sys

import pytest

from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir
from uad_bench.support import lease, locks

HOLD = """
import sys
from pathlib import Path
from uad_bench.results.run_directory import RunDir
with RunDir(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_f79_the_message_names_process_and_host(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(EnvironmentFault) as caught, RunDir(tmp_path).locked():
            pass
        other.stdin.close()
    text = str(caught.value)
    assert f"process {other.pid} on {os.uname().nodename} for 0 s, last sign of life 0 s ago" in text


def test_a_lock_that_was_released_is_taken_again_and_leaves_no_lease(tmp_path):
    for _ in range(2):
        with RunDir(tmp_path).locked():
            assert lease.read(tmp_path / "lock.lease").holder.pid == os.getpid()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_clear_leaves_the_lock_and_its_lease(tmp_path):
    run = RunDir(tmp_path)
    with run.locked():
        run.set_state("running")
        run.clear()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "lock.lease"]


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path, monkeypatch):
    def refuse(*_arguments, **_named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(locks, "_flock", refuse)
    with pytest.raises(EnvironmentFault, match="cannot write: Permission denied"), RunDir(tmp_path).locked():
        pass


def test_a_folder_that_may_not_be_listed_is_an_error(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(path):
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match="cannot be listed: Permission denied") as caught:
        find_runs([tmp_path])
    assert caught.value.where == str(closed)
