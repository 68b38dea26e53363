"""LaTeX that an engine really compiles, where one is on the PATH."""

import shutil
import subprocess

import pytest

from tests.helpers import handmade
from tests.leaderboard.render.test_render import NASTY
from uad_bench.leaderboard.render.escape import latex as write
from uad_bench.leaderboard.render.render import render

ENGINE = shutil.which("pdflatex") or shutil.which("tectonic")
NAMES = [*NASTY, "ß µ ÿ", "שלום", "😀", "[x]", "a & b \\\\ [2pt]", "%", "\\end{table}"]
HEAD = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\usepackage{graphicx}\begin{document}"


@pytest.mark.skipif(not ENGINE, reason="neither pdflatex nor tectonic is on the PATH")
def test_every_name_compiles_and_no_float_is_cut(tmp_path):
    rows = [handmade.row(name, 0.3, 1, failures=(name,), marks=(name,)) for name in NAMES]
    text = render([handmade.table(), handmade.table(rows, test=NAMES[0])], "latex")
    (tmp_path / "t.tex").write_text(f"{HEAD}\n{text}\\end{{document}}\n", encoding="utf-8")
    quiet = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in ENGINE else []
    done = subprocess.run(
        [ENGINE, *quiet, "t.tex"], cwd=tmp_path, capture_output=True, check=False, timeout=300
    )
    told = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, told[-2000:]
    assert "Float too large" not in told


def test_a_table_is_parted_and_its_notes_are_in_no_float():
    text = render([handmade.table()], "latex")
    assert text.count("\\begin{table}") == 2 and "mslub, continued." in text
    assert "a ceiling, not a result" in text[text.rindex("\\end{table}") :]


def test_the_pages_signs_are_commands_and_other_scripts_are_named():
    assert write("Δ −1°") == r"$\Delta$ $-$1\textdegree{}"
    assert write("é 中") == "é U+4E2D"
