"""The notebooks are valid and without outputs; scripts/notebooks, which .ci/end-to-end calls, executes their cells."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from uad_bench import api

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "notebooks"
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def code(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_there_are_three_and_continuous_integration_executes_them():
    assert [path.stem for path in NOTEBOOKS] == ["first_run", "reading_results", "your_method"]
    lines = {line.strip() for line in (ROOT / ".ci" / "end-to-end").read_text().splitlines()}
    assert "python scripts/notebooks" in lines


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_public_format_and_no_outputs(notebook):
    content = json.loads(notebook.read_text())
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"]["language"] == "python"
    assert content["cells"][0]["cell_type"] == "markdown"
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in content["cells"]:
        assert isinstance(cell["source"], list)
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_of_the_interface_exists(notebook):
    tree = ast.parse("\n".join(code(notebook)))
    used = {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "api"}  # fmt: skip
    assert used and all(hasattr(api, name) for name in used)


def test_a_cell_that_fails_ends_the_script_with_exit_code_1(tmp_path):
    cells = [{"cell_type": "code", "source": [text]} for text in ("x = 1\n", "assert x == 2\n")]
    (tmp_path / "bad.ipynb").write_text(json.dumps({"cells": cells}))
    words = [sys.executable, str(SCRIPT), str(tmp_path / "bad.ipynb")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "bad.ipynb: failed" in done.stdout and "AssertionError" in done.stderr
    assert 'File "cell 2"' in done.stderr
