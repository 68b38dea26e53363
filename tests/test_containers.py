"""Both container files install as `scripts/setup` does, with the base image and the rest as arguments."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_the_base_image_takes_a_digest_and_the_process_is_no_root():
    docker = lines("Dockerfile")
    assert "FROM ${BASE}${DIGEST:+@${DIGEST}}" in docker and "ARG DIGEST=" in docker
    assert "USER user" in docker and docker.index("USER user") < docker.index('ENTRYPOINT ["uad-bench"]')
    assert "From: {{ BASE }}" in lines("apptainer.def")


def test_apptainer_copies_what_an_installation_needs_and_no_history(tmp_path):
    """Files as Apptainer copies them: the package is built from them, runs, and prints the commit that it is given."""
    files = (ROOT / "apptainer.def").read_text().partition("%files")[2].partition("%post")[0]
    target = "/opt/uad-bench/source/"
    pairs = [line.split() for line in files.splitlines() if line.strip()]
    assert {place for _, place in pairs} == {target} and not {".", ".git", "tests"} & {
        one for one, _ in pairs
    }
    for name, _ in pairs:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "uad_bench" / "_shipped").mkdir(exist_ok=True)
    (tmp_path / "uad_bench" / "_shipped" / "commit.txt").write_text("0123abc\n")
    build = "import sys, hatchling.build as b; b.build_editable(sys.argv[1])"
    words = [sys.executable, "-c", build, str(tmp_path / "built")]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    code = "from uad_bench import cli, config; print(config.protocol_names()); cli._print_versions()"
    path = os.pathsep.join(str(tmp_path / part) for part in ("", "methods", "datasets"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "phantom" in done.stdout and "commit 0123abc" in done.stdout


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
