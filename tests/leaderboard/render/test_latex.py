"""LaTeX tables: structure, escaping, and compilation if an engine is installed."""

import re
import shutil
import subprocess

import pytest

from tests.helpers import handmade
from tests.helpers.hostile_names import NAMES
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.escape import latex as write
from uad_bench.leaderboard.render.latex import latex_tables

ENGINE = shutil.which("pdflatex") or shutil.which("tectonic")
MORE_NAMES = [*NAMES, "ß µ ÿ", "שלום", "😀", "[x]", "a & b \\\\ [2pt]", "%", "\\end{table}"]
HEAD = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\usepackage{graphicx}\begin{document}"


@pytest.mark.skipif(not ENGINE, reason="neither pdflatex nor tectonic is on the PATH")
def test_every_name_compiles_and_no_float_is_cut(tmp_path):
    rows = [handmade.row(name, 0.3, 1, failures=(name,), marks=(name,)) for name in MORE_NAMES]
    text = latex_tables([handmade.table(), handmade.table(rows, test=MORE_NAMES[0])])
    (tmp_path / "t.tex").write_text(f"{HEAD}\n{text}\\end{{document}}\n", encoding="utf-8")
    quiet = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in ENGINE else []
    done = subprocess.run(
        [ENGINE, *quiet, "t.tex"], cwd=tmp_path, capture_output=True, check=False, timeout=300
    )
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, output[-2000:]
    assert "Float too large" not in output


def test_a_long_table_is_split_and_its_notes_are_outside_the_floats():
    text = latex_tables([handmade.table()])
    assert text.count("\\begin{table}") == 2 and "protocol uad-1mm, continued." in text
    assert "best possible Dice: at the threshold" in text[text.rindex("\\end{table}") :]


def test_a_grid_longer_than_a_page_is_split_and_keeps_its_headings_and_all_rows():
    names = [f"m{n:03d}" for n in range(100)]
    text = latex_tables([handmade.table([handmade.row(name, 0.3, None) for name in names])])
    floats = text.split(r"\begin{table}")[1:]
    assert max(part.count(" \\\\\n") for part in floats) <= 42
    ranks = "".join(part for part in floats if "& cases &" in part)
    assert re.findall(r"m\d{3}", ranks) == names
    assert all(part.count(r"\toprule") == part.count(r"\midrule") > 0 for part in floats)


VALUES = {"ap.pooled": 0.146, "prevalence.pooled": 0.0226, "ap.case": 0.2, "auroc.pooled": 0.8}


def test_environments_are_balanced_and_every_row_has_all_columns(make_run):
    text = latex_tables(tables(make_run(name, values=VALUES) for name in NAMES))
    bare = re.sub(r"\\[{}\\&%$#_]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    for name in ("table", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") > 0
    body = text[text.index("\\toprule") : text.index("\\bottomrule")]
    rows = re.findall(r"^(.*) \\\\$", body, re.M)
    alignment = re.search(r"\\begin\{tabular\}\{([rl]+)\}", text)[1]
    assert len(rows) == len(NAMES) + 2
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(alignment)}


def test_the_best_value_is_bold_and_signs_are_commands(make_run):
    runs = [make_run("ae", s, values=VALUES | {"ap.pooled": 0.14 + s / 100}) for s in range(3)]
    assert r"\textbf{0.150 $\pm$ 0.010 (6.6$\times$)}" in latex_tables(tables(runs))


def test_i7_signs_of_headings_and_notes_are_commands_that_every_engine_compiles():
    text = latex_tables([handmade.table(), handmade.table(values_only=True)])
    assert "U+" not in text and text.isascii()
    assert r"$\geq$" in write("lesion F1, IoU ≥ 0.1") and r"$\approx$" in write("≈")
