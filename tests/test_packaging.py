"""What an installed wheel contains; version numbers agree; scripts, hooks and workflows run the same parts."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import uad_bench
from tests.helpers.command import call

ROOT = Path(__file__).parent.parent
SCRIPTS = ["setup", "demo", "test", "check", "bench", "leaderboard", "wheel", "site", "notebooks"]


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


def test_the_wheel_has_the_templates_of_new_packages(wheel):
    files = ROOT / "uad_bench" / "template" / "files"
    templates = {f"uad_bench/template/files/{path.relative_to(files)}" for path in files.rglob("*.jinja")}
    assert len(templates) == 16 and templates <= set(wheel.namelist())


def test_the_wheel_has_the_pages_that_errors_name_and_its_commit(wheel):
    names = set(wheel.namelist())
    code = [p for part in ("uad_bench", "methods", "datasets") for p in (ROOT / part).rglob("*.py")]
    named = {page for path in code for page in re.findall(r"docs/[\w/]+\.md", path.read_text())}
    assert len(named) > 8 and {f"uad_bench/_shipped/{page}" for page in named} <= names
    commit = wheel.read("uad_bench/_shipped/commit.txt").decode().strip()
    assert re.fullmatch(r"[0-9a-f]{40}(\+dirty)?", commit) or not (ROOT / ".git").exists()


def test_a_build_leaves_nothing_but_the_wheel_in_its_folder(wheel):
    folder = Path(wheel.filename).parent
    assert [path.name for path in folder.iterdir()] == [Path(wheel.filename).name]


def test_version_tells_commit_and_libraries(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "--version")
    first, *others = out.splitlines()
    assert code == 0 and re.fullmatch(rf"uad-bench {uad_bench.__version__}, commit (\S+|not known)", first)
    assert [line.split()[0] for line in others[:3]] == ["python", "torch", "numpy"]
    assert "MISSING" not in out


def test_the_wheel_contains_no_scan_no_test_and_no_example(wheel):
    names = wheel.namelist()
    assert not [n for n in names if n.endswith((".nii", ".nii.gz")) or n.startswith(("tests/", "examples/"))]


def test_every_dependency_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    extras = [need for some in project["optional-dependencies"].values() for need in some]
    for need in [*project["dependencies"], *extras]:
        name = need.split(">")[0].split("=")[0].lower()
        assert f"\n{name}==" in pins, name


def test_the_newest_version_of_the_changelog_is_that_of_the_package():
    newest = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert newest
    assert newest[1] == uad_bench.__version__ == cited["version"]
    assert newest[2] == str(cited["date-released"])


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable(script):
    assert (ROOT / "scripts" / script).stat().st_mode & 0o111


def test_the_end_to_end_part_uses_the_wheel_the_notebooks_and_the_site():
    lines = {line.strip() for line in (ROOT / ".ci" / "end-to-end").read_text().splitlines()}
    assert {"scripts/wheel --quick", "python scripts/notebooks", "scripts/site"} <= lines


def test_the_hosted_workflow_runs_the_parts_of_the_local_one():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    hosted = {step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step}
    local = (ROOT / ".ci" / "run").read_text()
    parts = set(re.findall(r"^((?:scripts|\.ci)/\S+)(?: >.*)?$", local, re.MULTILINE))
    assert parts == hosted == {"scripts/test", "scripts/check", ".ci/end-to-end"}
    for part in parts:
        assert (ROOT / part).stat().st_mode & 0o111, part


def test_the_hooks_before_a_commit_are_the_parts_of_the_checks():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    parts = re.findall(r"^    (\w+)\) ", (ROOT / "scripts" / "check").read_text(), re.MULTILINE)
    assert [hook["entry"] for hook in repository["hooks"]] == [f"scripts/check {part}" for part in parts]
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_have_what_github_requires(form):
    content = yaml.safe_load(form.read_text())
    if form.stem == "config":
        assert content == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= content.keys()
    fields = [part for part in content["body"] if part["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    assert all(field["attributes"]["label"] for field in fields)
