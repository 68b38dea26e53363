"""A table is a function of the runs: no locale, clock, hash seed or thread count is in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import hashlib, json, random, sys
from benchmarks import leaderboard
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.render import render
leaderboard.DATASETS, leaderboard.SEEDS = 2, 3
runs = random.Random(int(sys.argv[1])).sample(found := list(leaderboard.made_up(12)), len(found))
made = tables(runs)
print(hashlib.sha256((repr(made) + render(made, "json")).encode()).hexdigest())
"""
PLACES = [
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "OMP_NUM_THREADS": "2"},
]


@pytest.fixture(scope="module")
def printed():
    path = os.pathsep.join(str(ROOT / part) for part in ("", "methods", "datasets"))
    return [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(i)], cwd=ROOT, env=os.environ | {"PYTHONPATH": path} | place,
            capture_output=True, text=True, check=True,
        ).stdout
        for i, place in enumerate(PLACES)
    ]  # fmt: skip


def test_equal_runs_give_equal_bytes_anywhere_and_in_any_order(printed):
    assert len(printed[0]) == 65 and printed[0] == printed[1]
