"""`uad-bench new`: a package that installs, is listed, keeps its promises and is free of lint."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.helpers.command import call
from uad_bench import plugins
from uad_bench.errors import UsageError
from uad_bench.plugins import KINDS
from uad_bench.template.package import write_package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A package of each kind, by kind."""
    folder = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        write_package(kind, f"my-{kind}", folder / kind)
    return {kind: folder / kind for kind in KINDS}


@pytest.fixture(scope="module")
def environment(packages, tmp_path_factory):
    """The variables of a process that has the packages installed, as pip lays them out."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", *options, *map(str, packages.values())]
    subprocess.run(command, check=True)
    path = [str(target), *(str(ROOT / part) for part in ("", "methods", "datasets"))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "COLUMNS": "200"}


def test_the_packages_are_listed_and_their_own_tests_pass(packages, environment):
    listed = subprocess.run([sys.executable, "-m", "uad_bench", "list"], env=environment, capture_output=True,
                            text=True, check=True)  # fmt: skip
    assert {f"my-{kind}" for kind in KINDS} <= set(listed.stdout.split()) and "broken" not in listed.stdout
    tests = [str(path) for folder in packages.values() for path in folder.glob("tests/test_*.py")]
    quick = [path for path in tests if not path.endswith("test_run.py")]  # .ci/end-to-end runs these
    words = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
    environment = environment | {"PYTHONPATH": f"{packages['dataset'] / 'tests'}:{environment['PYTHONPATH']}"}
    done = subprocess.run([*words, *quick], env=environment, cwd=packages["method"], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(quick) == 4 and "passed" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_is_free_of_lint_and_formatted(packages, kind):
    for words in (["check", "--select", "E,F,I,W,B,UP"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--isolated", "--line-length", "110", "."]
        done = subprocess.run(command, cwd=packages[kind], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_the_project_names_entry_point_versions_and_workflow(packages, kind):
    project = tomllib.loads((packages[kind] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"uad_bench": {f"uad_my_{kind}": f"uad_my_{kind}"}}
    assert project["dependencies"] == ["uad-bench>=0.2,<0.4"]
    steps = yaml.safe_load((packages[kind] / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["pip install '.[test]'", "pytest"]
    assert not [path for path in packages[kind].rglob("*") if "{{" in path.name or "{%" in path.name]


@pytest.mark.parametrize(
    ("kind", "name", "cls"),
    [
        ("method", "none", "NoneMethod"),
        ("metric", "true", "TrueMetric"),
        ("dataset", "false", "FalseDataset"),
        ("metric", "value", "ValueMetric"),
        ("metric", "metric", "MetricMetric"),
        ("dataset", "case", "CaseDataset"),
        ("method", "class", "ClassMethod"),
        ("method", "my-net", "MyNetMethod"),
    ],
)
def test_the_class_has_a_name_of_its_own(tmp_path, kind, name, cls):
    write_package(kind, name, tmp_path / "new")
    module = f"uad_{name.replace('-', '_')}"
    found = plugins.load(plugins.resolve(kind, str(tmp_path / "new" / module / f"{kind}.py")))
    assert found.__name__ == cls
    assert f":{cls}" in (tmp_path / "new" / module / "__init__.py").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("metod", "mine", "did you mean method"),
        ("method", "Mine", "is no name for a package"),
        ("method", "a--b", "is no name for a package"),
        ("method", "../x", "is no name for a package"),
        ("method", "thresh", "is registered already"),
        ("dataset", "ixi", "is registered already"),
    ],
)
def test_a_wrong_word_writes_nothing(monkeypatch, capsys, tmp_path, kind, name, text):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(monkeypatch, capsys, "new", kind, name)
    assert code == 2 and text in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "uad-mine").mkdir()
    (tmp_path / "uad-mine" / "kept").touch()
    with pytest.raises(UsageError, match="not empty"):
        write_package("method", "mine", tmp_path / "uad-mine")
    assert [path.name for path in (tmp_path / "uad-mine").iterdir()] == ["kept"]


def test_the_command_says_what_it_wrote_and_what_comes_next(monkeypatch, capsys, tmp_path):
    code, out, _ = call(monkeypatch, capsys, "new", "metric", "mine", "--to", tmp_path / "there")
    assert code == 0 and out.splitlines()[-1].startswith(f"next: cd {tmp_path / 'there'}; pip install")
    written = [line.removeprefix("written: ") for line in out.splitlines()[:-1]]
    assert written and all(Path(path).is_file() for path in written)
