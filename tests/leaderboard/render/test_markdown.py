"""Markdown: names are not interpreted, and each table has its facts, grids and notes."""

import re

import pytest
from markdown_it import MarkdownIt

from tests.helpers import handmade
from tests.helpers.hostile_names import NAMES
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.render.markdown import markdown_page
from uad_bench.leaderboard.table import Cell

VALUES = {
    "ap.pooled": 0.146, "prevalence.pooled": 0.0226, "ap.case": 0.2, "auroc.pooled": 0.8,
    "dice@healthy_q98": 0.1, "dice@oracle_set": 0.25, ("healthy", "fpr@healthy_q98"): 0.02,
    ("ms", "ap.pooled"): 0.01, ("ms", "prevalence.pooled"): 0.0034,
}  # fmt: skip


def html_rows(text):
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return html, [row.split("</td>") for row in re.findall(r"<tr>\n<td.*?</tr>", html, re.S)]


def escaped(name):
    return re.sub(r"([^\w\s])", r"\\\1", printable(name))


def test_names_are_shown_and_not_interpreted(make_run):
    html, rows = html_rows(markdown_page(tables(make_run(name, values=VALUES) for name in NAMES)))
    assert len(rows) == 2 * (len(NAMES) + 1)  # all lesions, and the kind "ms"
    assert len({len(row) for row in rows}) == 2
    assert not re.search(r"<(script|a|em|code|del)\b", html)
    assert "\u202e" not in html
    assert all(MarkdownIt().renderInline(escaped(name)) in html for name in NAMES)


def test_values_are_written_with_deviation_ratio_and_best_in_bold(make_run):
    runs = [make_run("ae", s, values=VALUES | {"ap.pooled": 0.14 + s / 100}) for s in range(3)]
    others = [
        make_run("thresh", deterministic=True, values={"ap.pooled": 0.05}),
        make_run("vae", 0, state="failed"),
    ]
    text = markdown_page(tables([*runs, *others]))
    assert "**0.150 ± 0.010 (6.6×)**" in text
    assert "| 0.0226 |" in text
    assert "| 1 det. |" in text and "deterministic (det.)" in text
    assert "no result: vae seed 0: failed" in text
    assert "oracle\\_set" not in text and "**0.250" not in text  # all metrics are in CSV and JSON


def test_the_postprocessing_ablation_has_its_title():
    cells = {("all", "ap.case"): Cell(0.3, 0.01, 5, 30, 0), ("all", "raw:ap.case"): Cell(0.1, 0.01, 5, 30, 0)}
    table = handmade.table([handmade.row("ae", 0.3, cells=cells)], steps=("raw",))
    assert "\n\npost-processing ablation:\n\n| rank | method | AP per case, raw |" in markdown_page([table])


@pytest.mark.parametrize("given", [[], ()])
def test_no_tables_are_no_results(given):
    assert markdown_page(given) == "no results\n"
