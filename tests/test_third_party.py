"""Plug-ins from outside, installed by pip as a stranger would, seen from another process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.toy_data import make

HERE = Path(__file__).parent
ROOT = HERE.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the three distributions, as `pip install` lays them out."""
    target = tmp_path_factory.mktemp("site")
    sources = [str(HERE / "third_party" / name) for name in ("uad-edge", "uad-broken", "uad-tracks")]
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *sources], check=True)
    return target


def uad_bench(installed, *arguments):
    """Run the program with the plug-ins on its path."""
    path = [str(installed), *(str(ROOT / part) for part in ("", "methods", "datasets"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "uad_bench", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_list_shows_methods_from_outside_beside_the_built_in_ones(installed):
    listed = uad_bench(installed, "list")
    assert listed.returncode == 0, listed.stderr
    assert "edge" in listed.stdout.split()
    assert "gradient magnitude, from another distribution" in listed.stdout
    assert "thresh" in listed.stdout.split()


def test_a_sound_method_from_outside_passes_every_check(installed):
    checked = uad_bench(installed, "check", "edge")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("name", "promise", "fix"),
    [
        ("returns-nan", "map", "NaN"),
        ("writes-scan", "scans_stay_untouched", "scan.image.copy()"),
        ("counts-scans", "order_does_not_matter", "store nothing from one score for the next"),
    ],
)
def test_check_names_the_broken_promise_and_the_fix(installed, name, promise, fix):
    checked = uad_bench(installed, "check", name)
    told = checked.stdout + checked.stderr
    assert checked.returncode != 0
    assert any(promise in line for line in told.splitlines())
    assert fix in told


def test_a_class_that_does_not_exist_is_one_line_not_a_traceback(installed):
    checked = uad_bench(installed, "check", "gone")
    assert checked.returncode != 0
    assert "gone" in checked.stderr + checked.stdout
    assert "Traceback" not in checked.stderr


def test_a_method_from_outside_runs_to_a_line_in_the_table(installed, tmp_path):
    data = str(HERE / "helpers" / "toy_data.py")
    ran = uad_bench(
        installed, "run", "edge", "--out", str(tmp_path / "runs"), "--protocol", str(HERE / "helpers" / "toy.yaml"),
        "--test", data, "--set", f"protocol.train={data}", "--data", f"{data}={make(tmp_path / 'toy')}",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert re.search(
        r"\bedge\b.*0\.\d{3}", ran.stdout
    )  # without a rank, which fewer than ten patients do not give
    assert list(tmp_path.rglob("sheet.png"))


def test_methods_from_outside_have_a_ranking_for_each_track(installed, tmp_path):
    data, runs = str(HERE / "helpers" / "toy_data.py"), str(tmp_path / "runs")
    ran = uad_bench(
        installed, "run", "edge", "set-mean", "label-edge", "random", "--out", runs, "--protocol",
        str(HERE / "helpers" / "toy.yaml"), "--test", data, "--set", f"protocol.train={data}",
        "--data", f"{data}={make(tmp_path / 'toy')}",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    shown = uad_bench(installed, "leaderboard", runs, "--format", "json")
    tables = json.loads(shown.stdout)["tables"]
    found = {table["track"]: sorted(row["method"] for row in table["rows"]) for table in tables}
    assert found == {
        "healthy": ["edge", "random"], "transductive": ["random", "set-mean"], "weak": ["label-edge", "random"],
    }  # fmt: skip
    assert list(found) == ["healthy", "transductive", "weak"]
    why = uad_bench(installed, "leaderboard", "why", "toy/edge", "set-mean", runs)
    assert (
        "track differs: healthy (edge learns from healthy training scans only) against transductive"
        in why.stdout
    )
