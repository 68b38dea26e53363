"""The code, the packaging and the help text in docs/plugins.md are correct as shown."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_curve
from typer.testing import CliRunner

from uad_bench import plugins
from uad_bench.cli import app
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.testing import check_dataset, check_method, check_metric

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "plugins.md").read_text()


def block(language, first_line):
    """The content of the code block of a language that begins with a line."""
    start = rf"^```{language}\n{re.escape(first_line)}\n"
    found = re.search(f"{start}(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert found, first_line
    return found[1]


@pytest.fixture
def shown(tmp_path):
    """shown(name) -> the file with the code block `# name`."""

    def written(name):
        path = tmp_path / name
        path.write_text(block("python", f"# {name}"))
        return str(path)

    return written


@pytest.mark.parametrize("name", ["edge.py", "blur.py"])
def test_the_methods_pass_the_checks(shown, name):
    assert {result.status for result in check_method(shown(name))} == {"kept", "not checked"}


def test_the_dataset_passes_the_checks(shown, write_nifti):
    image = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    write_nifti("data/a_t2.nii.gz", image)
    write_nifti("data/h_t2.nii.gz", image)
    root = write_nifti("data/b_t2.nii.gz", image).parent
    write_nifti("data/b_lesion.nii.gz", (image > 50).astype(np.uint8))
    assert {result.status for result in check_dataset(shown("mine.py"), root)} == {"kept"}


def test_the_metric_passes_the_checks_and_is_a_point_of_the_roc_curve(shown):
    path = shown("sens95.py")
    assert {result.status for result in check_metric(path)} == {"kept", "not checked"}
    metric = plugins.load(plugins.resolve("metric", path))()
    rng = np.random.default_rng(0)
    lesion = rng.random(4000) < 0.1
    scores = (rng.normal(size=4000) + lesion).astype(np.float32)
    fpr, tpr, _ = roc_curve(lesion, scores, drop_intermediate=False)
    expected = tpr[fpr <= 0.05].max()
    assert metric.pooled(View(Curve.of(scores, lesion))).value == pytest.approx(expected)


def test_the_package_is_the_one_in_the_tests():
    package = ROOT / "tests" / "third_party" / "uad-edge"
    points = tomllib.loads(block("toml", "# pyproject.toml"))["project"]["entry-points"]
    assert points == tomllib.loads((package / "pyproject.toml").read_text())["project"]["entry-points"]
    comment = "# uad_edge/__init__.py: names only, so that `uad-bench list` imports nothing heavy"
    registered = []
    for source in (block("python", comment), (package / "uad_edge" / "__init__.py").read_text()):
        names = {}
        exec(source, names)
        names["register_methods"](lambda name, target, summary: registered.append((name, target)))
    assert registered == [("edge", "uad_edge.method:Edge")] * 2


def test_the_pytest_example_has_a_test_per_promise(shown, tmp_path, monkeypatch):
    shown("edge.py")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block("python", "# test_promises.py"), names)
    (mark,) = names["test_promise"].pytestmark
    assert mark.args[0] == "promise"
    assert {test.values[0].result().status for test in mark.args[1]} == {"kept", "not checked"}


def test_the_help_text_is_that_of_the_command():
    shown_help = re.search(
        r"^```\n\$ uad-bench check --help\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE
    )[1]
    printed = CliRunner().invoke(app, ["check", "--help"], env={"COLUMNS": "80", "TERM": "dumb"}).output
    assert shown_help.split()[4:] == printed.split()[4:]  # after "Usage:" and the name of the program


def test_every_kind_of_check_is_in_the_table():
    import uad_bench.testing

    functions = {name for name in uad_bench.testing.__all__ if name.startswith("check_")}
    assert {name for name in functions if f"`{name}" in PAGE} == functions
