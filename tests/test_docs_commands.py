"""Every `uad-bench` command that a page shows has a verb and options that exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from tests.test_docs_links import PAGES, ROOT
from uad_bench.cli import app

BLOCK = re.compile(r"^```(?:sh|bash|console|text)?\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PROGRAM = typer.main.get_command(app)


def commands(page):
    """The `uad-bench` lines of a page's blocks of code, as words."""
    for block in BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("uad-bench "):
                yield shlex.split(line, comments=True)[1:]


def understood(words):
    """The verb as the program reads it; raises where it would refuse a verb, an option or an argument."""
    command, parent = PROGRAM, None
    while hasattr(command, "commands"):
        parent = command.make_context(command.name, words[:1], parent=parent)
        if words[0].startswith("-"):  # an option of the program, such as --version
            return parent.command_path
        if words[0] not in command.commands:
            raise LookupError(f"no such command: {words[0]}")
        command, words = command.commands[words[0]], words[1:]
    return command.make_context(command.name, list(words), parent=parent).command_path


@pytest.mark.parametrize(
    "wrong", [["rum", "thresh"], ["run", "thresh", "--sede", "3"], ["data", "chek", "ixi"]], ids=" ".join
)
def test_a_command_that_does_not_exist_is_found(wrong):
    with pytest.raises(Exception, match=r"(?i)no such"):
        understood(wrong)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "uad-bench" in p.read_text()], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_commands_of_a_page_exist(page):
    read = [(" ".join(words), understood(words).partition(" ")[2]) for words in commands(page)]
    assert [line for line, verb in read if not line.startswith(verb)] == []


def test_the_commands_of_the_examples_start_from_files_that_exist():
    words = [word for line in commands(ROOT / "examples" / "minimal" / "README.md") for word in line]
    files = {name for word in words for name in re.findall(r"[\w/]+\.py", word)}
    assert len(files) == 3
    assert {name for name in files if not Path(ROOT, name).exists()} == set()
