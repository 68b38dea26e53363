"""Patch2Loc, variant conv, as a command that is killed at random times and resumed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import toy_data

PLUGINS = Path(__file__).parents[2] / "helpers"
DATA = str(PLUGINS / "toy_data.py")
SETTINGS = {
    "protocol.train": DATA,
    "protocol.splits.healthy": "{train: 0.6, val: 0.2, test: 0.2}",
    "patch2loc.patch": 8,
    "patch2loc.steps": 160,
    "patch2loc.slices": 4,
    "patch2loc.width": 4,
    "patch2loc.checked": 2,
}


def command(out: Path, root: Path) -> list[str]:
    """A small run that writes a checkpoint after every step."""
    settings = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    return [
        sys.executable,
        "-m",
        "uad_bench",
        "run",
        "patch2loc:conv",
        "--out",
        str(out),
        "--threads",
        "1",
        "--workers",
        "1",
        "--protocol",
        str(PLUGINS / "toy.yaml"),
        "--data",
        f"{DATA}={root}",
        "--test",
        DATA,
        "--checkpoint-minutes",
        "0",
        *settings,
    ]


def killed(arguments: list[str], env: dict[str, str], out: Path, delay: float) -> None:
    """Start the command, wait for a new checkpoint, and kill it `delay` seconds later."""
    began = time.time()
    with subprocess.Popen(
        arguments, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        while not any(path.stat().st_mtime > began for path in out.rglob("*.ckpt")):
            assert process.poll() is None and time.time() < began + 600, "no checkpoint was written"
            time.sleep(0.02)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL, "it ended before it could be killed: train for longer"
    assert not list(out.rglob("weights.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(tmp_path, kills):
    root = toy_data.make(tmp_path / "toy")
    env = {**os.environ, "UAD_BENCH_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    calm, shot = tmp_path / "calm", tmp_path / "shot"
    subprocess.run(command(calm, root), env=env, check=True, capture_output=True)
    arguments, moments = command(shot, root), random.Random()
    for again in range(kills):
        killed(arguments + ["--resume"] * bool(again), env, shot, moments.uniform(0, 0.25))
    subprocess.run([*arguments, "--resume"], env=env, check=True, capture_output=True)
    assert results(shot) == results(calm)
    rows = next(shot.rglob("train.csv")).read_text().splitlines()
    assert len(rows) == len(set(rows)) and sum(",loss," in row for row in rows) == SETTINGS["patch2loc.steps"]


def results(out: Path) -> dict[str, str]:
    """Digests of the weights, of every map and of the metrics."""
    sealed = json.loads(next(out.rglob("digests.json")).read_text())
    kept = {name: digest for name, digest in sealed.items() if name.startswith(("model", "maps", "metrics"))}
    assert any("weights.safetensors" in name for name in kept) and len(kept) > 8
    return kept
