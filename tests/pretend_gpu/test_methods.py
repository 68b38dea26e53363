"""Tests on the pretended GPU, each file in a process of its own: the device has to exist before torch is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pretend_gpu import guard

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARTS = 2  # of the methods, for processes side by side

pytestmark = pytest.mark.skipif(bool(guard.why_not()), reason=guard.why_not())


def on_device(*arguments, **environment):
    """Run pytest with the pretended GPU; fails with its output."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.pretend_gpu.plugin", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert " passed" in done.stdout, "no test ran on the pretended GPU"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("which", ["quick", pytest.param("variants", marks=pytest.mark.slow)])
def test_methods(part, which):
    chosen = {"UAD_BENCH_PART": f"{part}/{PARTS}", "UAD_BENCH_SETTINGS": which}
    on_device(str(HERE / "device_methods.py"), **chosen)


def test_planted_faults_and_findings():
    on_device(str(HERE / "device_faults.py"), str(HERE / "device_memory.py"))


def test_scripts_gpu_runs_on_the_pretended_device(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "gpu"), "--pretend", "--out", str(tmp_path / "gpu")]
    parts = ["--part", "rates", "--part", "life", "--part", "speed", "ae"]
    done = subprocess.run([*command, *parts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert set(found) == {"rates", "life", "speed"} and all(row["ok"] for row in found["life"]["rows"])
    assert "| ae | " in (tmp_path / "gpu.md").read_text()
