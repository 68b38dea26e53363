"""The four written formats: structure, escapes, empties, equal bytes."""

import csv
import io
import json
import re

import pytest
from markdown_it import MarkdownIt

from uad_bench.errors import UsageError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.published import COLUMNS, read
from uad_bench.leaderboard.render.csv_json import LONG_COLUMNS
from uad_bench.leaderboard.render.escape import visible
from uad_bench.leaderboard.render.render import FORMATS, render

NASTY = [
    "<script>alert(1)</script>", "a|b", '=HYPERLINK("http://x")', "snake_case_*name*", "R&D 5% $x$ #1 ~^\\{}",
    "safe\u202eexe", "[click](http://x)", "line\nbreak", "`code`", "@cmd", "-1+1", "&lt;", "é 中",
]  # fmt: skip
VALUES = {
    "ap.pooled": 0.146, "prevalence.pooled": 0.0226, "ap.case": 0.2, "auroc.pooled": 0.8,
    "dice@healthy_q98": 0.1, "dice@oracle_set": 0.25, ("healthy", "fpr@healthy_q98"): 0.02,
    ("ms", "ap.pooled"): 0.01, ("ms", "prevalence.pooled"): 0.0034,
}  # fmt: skip


@pytest.fixture
def nasty(make_run):
    return tables(make_run(name, values=VALUES) for name in NASTY)


@pytest.fixture
def plain(make_run):
    runs = [make_run("ae", s, values=VALUES | {"ap.pooled": 0.14 + s / 100}) for s in range(3)]
    return tables(
        [
            *runs,
            make_run("thresh", deterministic=True, values={"ap.pooled": 0.05}),
            make_run("vae", 0, state="failed"),
        ]
    )


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def html_cells(text):
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return html, [row.split("</td>") for row in re.findall(r"<tr>\n<td.*?</tr>", html, re.S)]


def test_markdown_shows_names_and_runs_none(nasty):
    html, rows = html_cells(render(nasty, "markdown"))
    assert len(rows) == 2 * (len(NASTY) + 1)  # all lesions, and the kind "ms"
    assert len({len(row) for row in rows}) == 2
    assert not re.search(r"<(script|a|em|code|del)\b", html)
    assert "\u202e" not in html
    assert all(MarkdownIt().renderInline(escaped(name)) in html for name in NASTY)


def escaped(name):
    return re.sub(r"([^\w\s])", r"\\\1", visible(name))


def test_markdown_says_what_a_number_is(plain):
    text = render(plain, "markdown")
    assert "**0.150 ± 0.010 (6.6×)**" in text
    assert "| 0.0226 |" in text
    assert "| 1 det. |" in text and "deterministic (det.)" in text
    assert "without a number: vae seed 0: failed" in text
    assert "ceiling Dice@oracle\\_set†" in text and "**0.250" not in text


def test_latex_is_balanced_and_every_row_has_all_columns(nasty):
    text = render(nasty, "latex")
    bare = re.sub(r"\\[{}\\&%$#_]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    for name in ("table", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") > 0
    body = text[text.index("\\toprule") : text.index("\\bottomrule")]
    rows = re.findall(r"^(.*) \\\\$", body, re.M)
    form = re.search(r"\\begin\{tabular\}\{([rl]+)\}", text)[1]
    assert len(rows) == len(NASTY) + 2
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(form)}
    assert r"R\&D 5\% \$x\$ \#1 \textasciitilde{}\textasciicircum{}\textbackslash{}\{\}" in text


def test_latex_sets_the_best_bold_and_the_sign(plain):
    assert r"\textbf{0.150 $\pm$ 0.010 (6.6$\times$)}" in render(plain, "latex")


def test_csv_holds_no_formula_and_every_number_in_full(nasty):
    rows = read_csv(render(nasty, "csv"))
    assert tuple(rows[0]) == LONG_COLUMNS and len(rows) == len(NASTY) * len(VALUES)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]
    assert {row["method"].removeprefix("'") for row in rows} == {visible(name) for name in NASTY}


def test_csv_reads_back_equal(plain):
    (table,) = plain
    rows = read_csv(render(plain, "csv"))
    found = {
        (row["method"], row["group"], row["metric"]): (float(row["mean"]), row["sd"], row["sd_note"])
        for row in rows
    }
    wanted = {
        (row.label, *name): (cell.mean, "" if cell.sd is None else repr(cell.sd))
        for row in table.rows for name, cell in row.cells.items()
    }  # fmt: skip
    assert {name: value[:2] for name, value in found.items()} == wanted
    assert found["thresh", "all", "ap.pooled"][2] == "n/a (deterministic)"


def test_csv_lists_reported_numbers_as_such(make_run, tmp_path):
    (tmp_path / "a.csv").write_text(",".join(COLUMNS) + "\nae,c,phantom,t2,9,30,1,20,2,paper\n")
    rows = read_csv(render(tables([make_run()], read(tmp_path)), "csv"))
    assert [(r["origin"], r["metric"], r["mean"], r["rank"]) for r in rows] == [
        ("measured", "ap.pooled", "0.2", "1"), ("reported: paper", "ap", "0.2", ""),
        ("reported: paper", "dice", "0.3", "")
    ]  # fmt: skip


def test_json_is_strict_and_complete(nasty):
    def refuse(constant):
        raise AssertionError(constant)

    (table,) = json.loads(render(nasty, "json"), parse_constant=refuse)["tables"]
    assert {row["method"] for row in table["rows"]} == set(NASTY)
    assert {len(row["numbers"]) for row in table["rows"]} == {len(VALUES)}


def test_undefined_is_null_with_its_reason(make_run):
    text = render(tables([make_run(values={"ap.pooled": None})]), "json")
    assert json.loads(text)["tables"][0]["rows"][0]["numbers"][0]["mean"] is None


@pytest.mark.parametrize("form", FORMATS)
def test_no_results_is_a_valid_text(form):
    text = render([], form)
    wanted = {"csv": ",".join(LONG_COLUMNS), "json": '{\n "tables": []\n}'}
    assert text == wanted.get(form, "no results") + "\n" or (form == "html" and "<p>no results</p>" in text)


@pytest.mark.parametrize("form", FORMATS)
def test_equal_runs_give_equal_bytes(make_run, form):
    runs = [make_run(m, s, values={**VALUES, "ap.pooled": s / 7}) for m in ("vae", "ae") for s in range(3)]
    assert render(tables(runs), form) == render(tables(runs[::-1]), form)


def test_another_format_is_refused():
    with pytest.raises(UsageError, match="markdown"):
        render([], "markdwn")
