"""Small cohorts that stand for public bug reports, made by the scripts in the folder `cases` of the shared folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def make_case(name: str, to: Path, *variant: str) -> Path:
    """Run `cases/NAME/make.py TO VARIANT...`; the folder `to`. Skips the test where there is no such script."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    script = Path(os.environ.get("UAD_BENCH_SHARED", beside)) / "cases" / name / "make.py"
    if not script.is_file():
        pytest.skip("no public cases at hand: set UAD_BENCH_SHARED to the folder that contains cases/")
    subprocess.run([sys.executable, script, to, *variant], check=True, capture_output=True)
    return to
