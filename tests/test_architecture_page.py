"""docs/architecture.md shows today's packages, and names files and functions that exist."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def test_the_drawing_is_that_of_the_imports():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "architecture.py", "--check"], check=False)
    assert done.returncode == 0, "run scripts/architecture.py"


def test_every_package_is_drawn():
    drawn = set(re.findall(r"^  (\w+)\[", PAGE, re.MULTILINE))
    modules = {path.stem for path in (ROOT / "uad_bench").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert modules - {"__init__", "__main__", "__pycache__", "py"} <= drawn


def test_every_file_and_function_that_the_page_names_exists():
    for file, name in re.findall(r"`([\w/]+\.py)(?:: ([\w.]+))?`", PAGE):
        path = next(path for path in (ROOT / file, ROOT / "uad_bench" / file) if path.is_file())
        if name:
            assert re.search(rf"(def|class) {name.rpartition('.')[2]}\b", path.read_text()), (file, name)
