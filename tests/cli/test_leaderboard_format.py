"""`leaderboard --to`: the format of a file is that of its ending unless --format names another."""

import json
from pathlib import Path

import pytest

from tests.helpers.command import call
from uad_bench.leaderboard.render.render import format_for

BEGINS = {
    "a.md": "no results",
    "a.csv": "protocol,",
    "a.json": "{",
    "a.html": "<!doctype html>",
    "A.HTM": "<!doctype html>",
    "a.txt": "no results",
    "a": "no results",
}


@pytest.fixture
def write(tmp_path, monkeypatch, capsys):
    """write(file name, further words ...) -> the text that `leaderboard` writes where ./runs has no run yet."""
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(name, *more):
        code, _, err = call(monkeypatch, capsys, "leaderboard", "--to", name, *more)
        assert code == 0 and "no runs in ./runs" in err
        return (tmp_path / name).read_text()

    return run


@pytest.mark.parametrize("name", BEGINS)
def test_the_ending_of_a_file_chooses_its_format(write, name):
    assert write(name).lower().startswith(BEGINS[name]), write(name)[:80]


def test_latex_is_the_format_of_tex_files():
    assert format_for("", Path("a/b.tex")) == "latex" and format_for("", None) == "text"


def test_a_named_format_is_that_of_the_file_whatever_its_ending(write):
    assert json.loads(write("a.html", "--format", "json")) == json.loads(write("a.json"))
    assert write("a.csv", "-f", "text") == write("a.md")
