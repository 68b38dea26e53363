"""Grids of a table: which columns they have, what each place shows, and none without values."""

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout import text_grid
from uad_bench.leaderboard.table import Cell


@pytest.fixture(scope="module")
def full():
    return handmade.table()


@pytest.fixture(scope="module")
def bare():
    return handmade.table(handmade.bare_rows(), primary="ap.pooled")


def column(grid, heading):
    index = grid.texts.index(heading)
    return {row[grid.method].text: row[index] for row in grid.rows}


def test_the_columns_of_a_full_table_and_their_order(full):
    assert text_grid.full_grid(full).texts == (
        "rank", "group", "method", "seeds", "cases", "AP per case", "AP pooled", "AP gain", "AUROC pooled", "Dice@tune",
        "Dice@healthy_q98", "best possible Dice@oracle_case†", "best possible Dice@oracle_set†",
        "lesion F1@healthy_q98", "FPR@healthy_q98 (healthy)",
        "Δ to best [pointwise 95 %], Holm p", "Δ to baseline [pointwise 95 %], Holm p",
        "track", "training, s", "s/volume", "peak GiB", "GPU GiB", "parameters",
        "provenance", "reported AP", "reported Dice",
    )  # fmt: skip


def test_a_table_with_few_values_has_few_columns(bare):
    assert text_grid.full_grid(bare).texts == ("rank", "method", "seeds", "cases", "AP pooled", "track")
    assert text_grid.lesion_kind_grid(bare) is None and text_grid.stratum_grids(bare) == []


def test_lesion_kinds_and_strata_are_grids_of_their_own(full):
    grid = text_grid.lesion_kind_grid(full)
    assert grid.texts == ("rank", "method", "AP per case, ms", "AP per case, tumour")
    assert [grid.title for grid in text_grid.stratum_grids(full)] == ["by sex", "by site"]
    assert text_grid.stratum_grids(full)[1].texts[2:] == ("AP per case, site=HH", "AP per case, site=IOP")


def test_the_text_of_each_place(full):
    grid = text_grid.full_grid(full)
    assert column(grid, "rank")["ae"].text == "3° [3–4]"
    assert column(grid, "rank")["random"].text == "control"
    assert column(grid, "group")["thresh"].text == "a"
    assert column(grid, "AP per case")["thresh"].text == "0.360 ± 0.012 [0.310, 0.410] (17.1×)"
    assert column(grid, "seeds")["gan"].text == "4 of 5"
    assert column(grid, "cases")["vae"].text == "28 (2 undefined)"
    assert column(grid, "Δ to best [pointwise 95 %], Holm p")["vae"].text == "−0.120 [−0.300, 0.010], p 0.030"
    assert (
        column(grid, "Δ to baseline [pointwise 95 %], Holm p")["vae"].text
        == "+0.100 [0.050, 0.200], p <0.001"
    )
    assert column(grid, "parameters")["ae"].text == "11.2M"
    assert column(grid, "provenance")["ae"].text == "measured, reported"


def test_controls_come_first_and_the_prevalence_before_them(full):
    grid = text_grid.full_grid(full)
    assert [row[2].text for row in grid.rows][:3] == ["prevalence", "random", "atlas-z"]
    assert grid.sources[0] is None and [row.label for row in grid.sources[1:3]] == ["random", "atlas-z"]
    assert column(grid, "AP per case")["prevalence"] == text_grid.Entry("0.0210", value=0.021)


def test_the_best_value_of_a_column_is_marked_except_for_oracles(full):
    grid = text_grid.full_grid(full)
    oracles = [heading for heading in grid.headings if heading.oracle]
    assert len(oracles) == 2 and all(heading.text.endswith("†") for heading in oracles)
    assert not any(entry.best for heading in oracles for entry in column(grid, heading.text).values())
    assert column(grid, "AUROC pooled")["patch2loc:conv"].best


def test_f10_an_fpr_with_a_target_and_a_metric_without_a_value_above_zero_have_no_best_row(full):
    grid = text_grid.full_grid(full)
    assert not any(entry.best for entry in column(grid, "FPR@healthy_q98 (healthy)").values())
    name = ("all", "lesion_f1@healthy_q98")
    cells = {("all", "ap.case"): Cell(0.3, 0.1, 5, 28, 0), name: Cell(0.0, 0.0, 5, 28, 0)}
    rows = [handmade.row(label, 0.3, i, cells=cells) for i, label in enumerate("ab", 1)]
    found = column(text_grid.full_grid(handmade.table(rows)), "lesion F1@healthy_q98")
    assert not any(entry.best for entry in found.values())


def test_the_short_grid_has_at_most_eight_columns(full, bare):
    assert text_grid.short_grid(full).texts == (
        "rank", "method", "seeds", "AP per case", "Δ to best [pointwise 95 %], Holm p", "Dice@healthy_q98",
        "FPR@healthy_q98 (healthy)", "s/volume",
    )  # fmt: skip
    assert text_grid.short_grid(bare).texts == ("rank", "method", "seeds", "AP pooled")


def test_the_postprocessing_ablation_has_a_grid_of_its_own():
    cells = {("all", f"{step}ap.case"): Cell(value, 0.01, 5, 30, 0) for step, value in
             (("median:", 0.2), ("", 0.3), ("raw:", 0.1))}  # fmt: skip
    rows = [handmade.row("ae", 0.3, cells=cells)]
    table = handmade.table(rows, steps=("raw", "median"))
    grid = text_grid.postprocessing_grid(table)
    assert grid.title == "post-processing ablation"
    assert grid.texts[2:] == ("AP per case, raw", "AP per case, median", "AP per case, final")
    assert [entry.text for entry in grid.rows[0][2:]] == ["0.100 ± 0.010", "0.200 ± 0.010", "0.300 ± 0.010"]
    assert not any(":" in heading.key for heading in text_grid.full_grid(table).headings)
    assert text_grid.postprocessing_grid(handmade.table(rows)) is None


def test_the_grids_for_a_terminal_split_the_columns_and_star_incomplete_values(full):
    first, metrics, one_more, differences, reported, kinds = text_grid.terminal_grids(full)
    assert first.texts == ("rank", "group", "method", "seeds", "cases", "AP per case", "95 %", "×")
    assert metrics.texts[:4] == ("rank", "method", "AP pooled", "AP gain")
    assert column(metrics, "AP pooled")["ae"].text == "0.360" and column(first, "cases")["ae"].text == "28*"
    assert column(first, "×")["prevalence"].text == "1.0"
    assert len(metrics.texts) == 10 and len(one_more.texts) == 3
    assert differences.texts[2] == "Δ to best (Holm p)" and reported.texts[-1] == "reported Dice"
    assert kinds.title == "by lesion kind"


def test_the_grids_for_a_page_have_at_most_five_metrics_each_with_its_deviation(full):
    grids = text_grid.printed_grids(full)
    assert [len(grid.texts) for grid in grids] == [6, 7, 6, 4, 7, 5, 4]
    assert column(grids[1], "AP pooled")["ae"].text == "0.360 ± 0.012 (12.0×)"
