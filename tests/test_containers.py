"""Both container files install as `scripts/setup` does, with the base image and the rest as arguments."""

import re
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


def test_the_setup_script_installs_the_extras_that_it_is_given():
    setup = (ROOT / "scripts" / "setup").read_text()
    assert "extras=${UAD_BENCH_EXTRAS-dev}" in setup
    assert '-c "$root/constraints.txt" -e "$root${extras:+[$extras]}"' in setup
