"""Escaping of untrusted text for each format."""

import csv
import io

import pytest
from markdown_it import MarkdownIt

from tests.helpers.hostile_names import NAMES
from uad_bench.leaderboard.render import escape


def test_printable_text_is_on_one_line_without_invisible_characters():
    assert escape.printable("é 中 x") == "é 中 x"
    assert escape.printable("a\u202eb\nc\x1b") == "a\\u202eb\\nc\\x1b"


@pytest.mark.parametrize("name", NAMES)
def test_markdown_renders_a_name_as_plain_text(name):
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).renderInline(escape.markdown(name))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        html = html.replace(entity, character)
    assert html == escape.printable(name)


def test_latex_writes_signs_as_commands_and_other_scripts_as_code_points():
    assert escape.latex("Δ −1°") == r"$\Delta$ $-$1\textdegree{}"
    assert escape.latex("é 中") == "é U+4E2D"
    assert escape.latex("R&D 5% $x$ #1 ~^\\{}_") == (
        r"R\&D 5\% \$x\$ \#1 \textasciitilde{}\textasciicircum{}\textbackslash{}\{\}\_"
    )


@pytest.mark.parametrize("formula", ["=1+1", " =1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x"])
def test_a_spreadsheet_reads_no_formula(formula):
    assert escape.spreadsheet(formula) == f"'{formula}"
    assert escape.spreadsheet(f"a{formula}") == f"a{formula}"
    text = io.StringIO()
    csv.writer(text).writerow([escape.spreadsheet(formula)])
    assert text.getvalue().startswith("'")
