"""F79: two processes and one run: the second is told which process has it."""

import os
import subprocess
import sys

import pytest

from uad_bench.errors import EnvironmentFault
from uad_bench.results.run_directory import RunDir

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
    assert f"process {other.pid} on {os.uname().nodename}" in str(caught.value)


def test_a_lock_that_was_released_is_taken_again_and_leaves_no_owner(tmp_path):
    for _ in range(2):
        with RunDir(tmp_path).locked():
            assert f"process {os.getpid()}" in (tmp_path / "owner").read_text()
    assert not (tmp_path / "owner").exists()
