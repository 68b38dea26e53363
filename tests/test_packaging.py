"""What an installed wheel holds, and that the scripts a README names are there."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    script = (
        f"import os, hatchling.build as b; os.chdir({str(ROOT)!r}); print(b.build_wheel({str(folder)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return zipfile.ZipFile(folder / done.stdout.strip().splitlines()[-1])


def test_the_wheel_has_all_three_packages_types_protocols_and_reported_numbers(wheel):
    names = set(wheel.namelist())
    for package in ("uad_bench", "uad_methods", "uad_datasets"):
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= names
    assert "uad_bench/_shipped/configs/phantom.yaml" in names
    assert "uad_bench/_shipped/leaderboard/published/patch2loc_talk.csv" in names


def test_the_wheel_holds_no_scan_and_no_test(wheel):
    assert not [n for n in wheel.namelist() if n.endswith((".nii", ".nii.gz")) or n.startswith("tests/")]


def test_every_dependency_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    for need in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = need.split(">")[0].split("=")[0].lower()
        assert f"\n{name}==" in pins, name


@pytest.mark.parametrize("script", ["setup", "demo", "test", "check", "bench"])
def test_scripts_are_executable(script):
    assert (ROOT / "scripts" / script).stat().st_mode & 0o111
