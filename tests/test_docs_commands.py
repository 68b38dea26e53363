"""Every `uad-bench` command that a page shows and its options exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from tests.test_docs_links import PAGES, ROOT
from uad_bench.cli import app, options
from uad_bench.errors import UadError
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.settings import parse_seeds

BLOCK = re.compile(r"^```(?:sh|bash|console|text)?\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4}(uad-bench (?:.*\\\n)*.*)$", flags=re.MULTILINE)
PROGRAM = typer.main.get_command(app)


def commands(page):
    """The `uad-bench` lines of a page's blocks of code, as words."""
    text = page.read_text()
    for block in [*BLOCK.findall(text), *INDENTED.findall(text)]:
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("uad-bench "):
                yield shlex.split(line, comments=True)[1:]


def context(words):
    """The command as the program reads it; raises where it would refuse a verb, an option or an argument."""
    command, parent = PROGRAM, None
    while hasattr(command, "commands"):
        parent = command.make_context(command.name, words[:1], parent=parent)
        if words[0].startswith("-"):  # an option of the program, such as --version
            return parent
        if words[0] not in command.commands:
            raise LookupError(f"no such command: {words[0]}")
        command, words = command.commands[words[0]], words[1:]
    return command.make_context(command.name, list(words), parent=parent)


def specifications(words):
    """What a `run` carries out; raises for a method, parameter or protocol that does not exist or that is refused."""
    given = context(words).params
    tests = [name for name in given["test"].split(",") if name]
    settings = options.all_settings("", given["set_"])
    return Matrix(
        given["methods"], parse_seeds(given["seeds"]), given["protocol"], tests, settings=settings
    ).specs()


def is_concrete(words):
    """Whether a command has no word that the reader replaces, and no file that the page does not come with."""
    kept = [word for word in words if "=/" not in word]  # folders of data are not looked at
    return not any(re.search(r"\b[A-Z]{3,}\b|\.py\b|\.ya?ml\b|\.\.\.|^my|:[A-Z]", word) for word in kept)


@pytest.mark.parametrize(
    "wrong", [["rum", "thresh"], ["run", "thresh", "--sede", "3"], ["data", "chek", "ixi"]], ids=" ".join
)
def test_a_command_that_does_not_exist_is_found(wrong):
    with pytest.raises(Exception, match=r"(?i)no such"):
        context(wrong)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "uad-bench" in p.read_text()], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_commands_of_a_page_exist(page):
    read = [(" ".join(words), context(words).command_path.partition(" ")[2]) for words in commands(page)]
    assert [line for line, verb in read if not line.startswith(verb)] == []


@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if "uad-bench run" in p.read_text()],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_runs_of_a_page_are_not_refused(page, monkeypatch, tmp_path):
    (tmp_path / "sri24.nii.gz").write_bytes(b"its digest is part of a protocol")
    monkeypatch.setenv("UAD_BENCH_ATLASES", str(tmp_path))
    assert all(specifications(words) for words in commands(page) if words[0] == "run" and is_concrete(words))


@pytest.mark.parametrize(
    "wrong",
    [
        "run thresh --set thresh.sterps=3",
        "run phanes --set phanes.vgg19=a.pth",
        "run thresh --protocol uad-3mm",
    ],
)
def test_a_run_that_is_refused_is_found(wrong):
    with pytest.raises(UadError):
        specifications(wrong.split())


def test_the_commands_of_the_examples_start_from_files_that_exist():
    words = [word for line in commands(ROOT / "examples" / "minimal" / "README.md") for word in line]
    files = {name for word in words for name in re.findall(r"[\w/]+\.py", word)}
    assert len(files) == 3
    assert {name for name in files if not Path(ROOT, name).exists()} == set()
