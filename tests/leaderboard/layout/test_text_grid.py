"""Which columns stand where, what their marks mean, and that nothing is there without numbers."""

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.render.csv_json import long_csv, strict_json
from uad_bench.leaderboard.render.render import FORMATS, render
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Cell, Row


@pytest.fixture(scope="module")
def full():
    return handmade.table()


@pytest.fixture(scope="module")
def bare():
    return handmade.table(handmade.bare_rows(), primary="ap.pooled")


def column(grid, heading):
    index = grid.headings.index(heading)
    return {row[grid.method].text: row[index] for row in grid.rows}


def test_the_columns_are_those_of_the_design_in_its_order(full):
    assert text_grid.page(full).headings == (
        "rank", "group", "method", "seeds", "cases", "AP per case", "AP pooled", "AP gain", "AUROC", "Dice@tune",
        "Dice@healthy_q98", "ceiling Dice@oracle_case†", "ceiling Dice@oracle_set†", "lesion F1@healthy_q98",
        "FPR@healthy_q98 (healthy)", "Δ to best (Holm p)", "Δ to baseline (Holm p)", "training, s",
        "s/volume", "peak GiB", "GPU GiB", "parameters",
        "provenance", "reported AP", "reported Dice",
    )  # fmt: skip


def test_a_table_with_little_has_few_columns(bare):
    assert text_grid.page(bare).headings == ("rank", "method", "seeds", "cases", "AP pooled")
    assert text_grid.kinds(bare) is None and text_grid.strata(bare) == []


def test_kinds_and_strata_are_tables_of_their_own(full):
    assert text_grid.kinds(full).headings == ("rank", "method", "AP per case, ms", "AP per case, tumour")
    assert [grid.title for grid in text_grid.strata(full)] == ["by sex", "by site"]
    assert text_grid.strata(full)[1].headings[2:] == ("AP per case, site=HH", "AP per case, site=IOP")


def test_strata_are_on_the_page_and_in_the_data_only(full):
    for form in FORMATS:
        assert ("site=HH" in render([full], form)) == (form in {"html", "csv", "json"})


def test_what_each_place_says(full):
    grid = text_grid.page(full)
    assert column(grid, "rank")["ae"].text == "3° [3–4]"
    assert column(grid, "group")["thresh"].text == "a"
    assert column(grid, "AP per case")["thresh"].text == "0.360 ± 0.012 [0.310, 0.410] (17.1×)"
    assert column(grid, "seeds")["gan"].text == "4 of 5"
    assert column(grid, "cases")["vae"].text == "28 (2 undefined)"
    assert column(grid, "Δ to best (Holm p)")["vae"].text == "−0.120 (p 0.030)"
    assert column(grid, "Δ to baseline (Holm p)")["vae"].text == "+0.100 (p <0.001)"
    assert column(grid, "parameters")["ae"].text == "11.2M"
    assert column(grid, "provenance")["ae"].text == "measured, reported"


def test_null_rows_come_first_and_the_prevalence_before_them(full):
    found = [row[2].text for row in text_grid.page(full).rows]
    assert found[:3] == ["prevalence", "random", "atlas-z"]


def test_a_ceiling_is_marked_and_honours_nobody(full):
    grid = text_grid.page(full)
    marked = [head for head in grid.heads if head.oracle]
    assert len(marked) == 2 and all(head.text.endswith("†") for head in marked)
    assert not any(entry.best for head in marked for entry in column(grid, head.text).values())
    assert column(grid, "AUROC")["patch2loc:conv"].best


def test_an_oracle_by_its_own_word_has_a_dagger_and_less_may_be_better():
    def row(label, rank, value):
        plain = Cell(value, None, 5, 30, 0)
        cells = {("all", "ap.case"): plain, ("all", "dice@q"): plain._replace(oracle=True),
                 ("all", "lesion_f1@q"): plain._replace(lower=True)}  # fmt: skip
        return handmade.row(label, value, rank, cells=cells, standing=None)

    table = handmade.table([row("a", 1, 0.4), row("b", 2, 0.3)])
    grid = text_grid.page(table)
    assert not any(entry.best for entry in column(grid, "Dice@q†").values())
    assert column(grid, "lesion F1@q")["b"].best and not column(grid, "lesion F1@q")["a"].best
    assert {head.text: head.lower for head in grid.heads}["lesion F1@q"]
    assert any(note.startswith(wording.DAGGER) for note in notes.notes(table))


def test_the_clean_up_has_a_table_step_by_step_and_no_other_column():
    cells = {("all", f"{stage}ap.case"): Cell(value, 0.01, 5, 30, 0) for stage, value in
             (("median:", 0.2), ("", 0.3), ("raw:", 0.1))}  # fmt: skip
    rows = [handmade.row("ae", 0.3, cells=cells)]
    table = handmade.table(rows, stages=("raw", "median"))
    grid = text_grid.stages(table)
    assert grid.headings == (
        "rank",
        "method",
        "AP per case, raw",
        "AP per case, median",
        "AP per case, final",
    )
    assert [entry.text for entry in grid.rows[0][2:]] == ["0.100 ± 0.010", "0.200 ± 0.010", "0.300 ± 0.010"]
    assert not any(":" in head.key for head in text_grid.page(table).heads)
    for form in ("markdown", "html"):
        assert "clean-up step by step" in render([table], form)
    assert text_grid.stages(handmade.table(rows)) is None


def test_fewer_than_three_seeds_have_no_deviation():
    two, three = (Cell(0.3, 0.01, seeds, 30, 0) for seeds in (2, 3))
    row = handmade.row("ae", 0.3)
    assert wording.cell_text(row, two, 3, None) == "0.300"
    assert wording.cell_text(row, three, 3, None) == "0.300 ± 0.010"


def test_one_seed_is_told(bare):
    assert column(text_grid.page(bare), "seeds")["ae"].text == "n=1"
    assert any(note.startswith("fewer than 3 seeds") for note in notes.notes(bare))


def test_folds_are_not_seeds():
    row = handmade.row("ae", 0.3, folds=5)
    assert wording.seeds_text(row) == "5 runs, 5 folds"
    assert any("folds are other training cases" in note for note in notes.notes(handmade.table([row])))


def test_failed_cases_are_counted(full):
    cells = {("all", "ap.case"): Cell(0.3, None, 5, 25, 2)}
    row = handmade.row("ae", 0.3, cells=cells)
    assert wording.cases_text(full, row) == "25 (2 undefined, 3 failed)"
    assert wording.cases_text(full, row, brief=True) == "25*"


MARKS = ["±", "[a, b]", "rank [a–b]", "group:", "°", "Δ to best (patch2loc:conv)", "Δ to baseline (atlas-z)", "†",
         "null:", "undefined:", "AP gain:", "training, s:", "Kendall's tau", "ranks that are others",
         "ranked from fewer"]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_is_explained_where_it_stands(full, bare, mark):
    assert any(note.startswith(mark) for note in notes.notes(full))
    assert mark in {"±", "°", "undefined:"} or not any(note.startswith(mark) for note in notes.notes(bare))


def test_the_facts_pin_protocol_data_and_scheme(full, bare):
    text = " ".join(wording.facts(full))
    for words in ("34af49f68024", "d" * 12, "f" * 12, "per case, mean over cases, then mean over seeds"):
        assert words in text
    assert "pooled over all cases" in " ".join(wording.facts(bare))


@pytest.mark.parametrize(
    ("n", "text"), [(None, "–"), (12, "12"), (4500, "4.5k"), (11_200_000, "11.2M"), (2e9, "2G")]
)
def test_parameters_in_short(n, text):
    assert wording.count(n) == text


def test_a_contrast_without_a_test_has_no_p():
    nothing = Contrast("x", "ap.case", 3, None, None, None, None, None, None)
    assert wording.contrast_text(nothing) == wording.contrast_text(None) == "–"
    assert wording.contrast_text(nothing._replace(difference=0.01)) == "+0.010"


def test_json_has_every_new_field_and_null_for_none(full, bare):
    rows = {
        row["method"]: row
        for table in (full, bare)
        for row in json.loads(strict_json([table]))["tables"][0]["rows"]
    }
    assert rows["thresh"]["standing"] == {"low": 2, "high": 3, "first": 0.4, "letters": "a", "by_case": 3}
    assert rows["thresh"]["to_best"]["p_wilcoxon"] == 0.02 and rows["thresh"]["cost"]["score_s"] == 0.52
    assert rows["thresh"]["numbers"][0]["low"] == pytest.approx(0.31)
    assert rows["atlas-z"]["baseline"] == rows["atlas-z"]["deterministic"] == 1
    assert rows["ae"]["standing"] is None and rows["ae"]["to_best"] is None  # of the bare table


def test_json_refuses_what_is_no_number(full):
    rows = [replace(full.rows[2], cells={("all", "ap.case"): Cell(float("nan"), None, 1, 1, 0)})]
    with pytest.raises(ValueError, match="JSON"):
        strict_json([replace(full, rows=rows)])


def test_csv_has_contrasts_and_costs_in_lines_of_their_own(full):
    rows = [row for row in csv.DictReader(io.StringIO(long_csv([full]))) if row["method"] == "thresh"]
    best, base = (
        next(row for row in rows if row["origin"] == origin) for origin in ("to_best", "to_baseline")
    )
    assert (best["other"], best["metric"], best["p_holm"]) == ("patch2loc:conv", "ap.case", "0.03")
    assert base["other"] == "atlas-z" and float(base["mean"]) == pytest.approx(0.16)
    costs = {row["metric"]: row["mean"] for row in rows if row["origin"] == "cost"}
    assert costs["parameters"] == "11200000" and "device" not in costs
    assert {row["rank_low"] for row in rows} == {"2"}


HARMFUL = ["<script>alert(1)</script>", "a|b", '=HYPERLINK("x")', "＝1+1", "ab\u202ecd\u200f"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_name_is_harmless_in_every_format(form, name):
    rows = [
        Row(1, name, name, False, False, 1, 1, {("all", "ap.case"): Cell(0.3, None, 1, 30, 0)}, marks=(name,))
    ]
    text = render([handmade.table(rows, test=name, apart=name)], form)
    assert not set(text) & set("\u202e\u200f")
    assert "<script>alert" not in text or form == "csv"
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in set("=+@＝")]
    if form == "markdown":
        assert "| a|b |" not in text
