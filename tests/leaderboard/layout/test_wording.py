"""Texts inside and around a table."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Cell


def test_the_facts_identify_protocol_cases_and_scheme():
    text = " ".join(wording.facts(handmade.table()))
    for words in ("34af49f68024", "d" * 12, "f" * 12, "42 cases (30 with lesions, 12 healthy)",
                  "per case, mean over cases, mean over seeds, then rank"):  # fmt: skip
        assert words in text
    pooled = handmade.table(handmade.bare_rows(), primary="ap.pooled", not_comparable="protocol differs")
    text = " ".join(wording.facts(pooled))
    assert "pooled over all cases" in text
    assert "not comparable with the first table of mslub: protocol differs" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [({}, "2 [2–3]"), ({"marks": ("leak L1: x",)}, "leak"), ({"null": True}, "control"), ({"rank": None}, "–"),
     ({"done": 4, "started": 4}, "2° [2–3]"), ({"done": 1, "started": 1, "deterministic": True}, "2 [2–3]"),
     ({"done": 2, "started": 2, "folds": 2}, "2 [2–3]"), ({"done": 2, "started": 2, "folds": 1}, "2° [2–3]")],
)  # fmt: skip
def test_the_rank_or_why_there_is_none(changes, text):
    assert wording.rank_text(handmade.row("ae", 0.3, **({"rank": 2} | changes))) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [({}, "5"), ({"done": 4}, "4 of 5"), ({"done": 1, "started": 1}, "n=1"), ({"deterministic": True}, "5 det."),
     ({"folds": 5}, "5 runs, 5 folds"), ({"folds": 1}, "5 runs, 1 fold")],
)  # fmt: skip
def test_seeds_in_words(changes, text):
    assert wording.seeds_text(handmade.row("ae", 0.3, **changes)) == text


def test_missing_cases_are_counted_by_reason():
    cells = {("all", "ap.case"): Cell(0.3, None, 5, 25, 2)}
    table, row = handmade.table(), handmade.row("ae", 0.3, cells=cells)
    assert wording.cases_text(table, row) == "25 (2 undefined, 3 failed)"
    assert wording.cases_text(table, row, brief=True) == "25*"
    assert wording.cases_text(table, handmade.row("ae", 0.3, cells={})) == "–"


def test_fewer_than_three_seeds_have_no_standard_deviation():
    two, three = (Cell(0.3, 0.01, seeds, 30, 0) for seeds in (2, 3))
    row = handmade.row("ae", 0.3)
    assert wording.cell_text(row, two, 3, None) == "0.300"
    assert wording.cell_text(row, three, 3, None) == "0.300 ± 0.010"
    assert wording.cell_text(row, three, 3, 0.1, "[0.2, 0.4]") == "0.300 ± 0.010 [0.2, 0.4] (3.0×)"


def test_an_undefined_value_shows_its_reason():
    row = handmade.row("ae", 0.3)
    assert wording.cell_text(row, Cell(None, None, 0, 0, 30, "no_tune"), 3, None) == "no_tune"
    assert wording.cell_text(row, None, 3, None) == "–"


def test_what_a_value_lacks_is_listed_unless_the_column_cases_shows_it():
    cells = {("all", "ap.case"): Cell(0.3, None, 5, 28, 2)}
    row = handmade.row("ae", 0.3, cells=cells)
    assert wording.missing_text(row, Cell(0.3, None, 5, 28, 2), "ap.case") == ""
    assert wording.missing_text(row, Cell(0.3, None, 4, 27, 3), "ap.case") == ", 4 of 5 seeds, 3 undefined"


def test_f9_a_value_that_is_printed_as_zero_has_no_sign():
    assert wording.mean_text(-0.0004, None) == "0.000"
    assert wording.interval_text(-0.0001, 0.1) == "[0.000, 0.100]"
    contrast = Contrast("x", "ap.case", 30, -0.0001, -0.01, 0.01, 0.5, 1.0, 0.5, 0.5, 0.01)
    assert wording.contrast_text(contrast, 0.05) == "0.000 [−0.010, 0.010], p 1.000 ≈"
    assert wording.brief_contrast_text(contrast, 0.05) == "0.000 (p 1.000)≈"


@pytest.mark.parametrize(
    ("low", "high", "p", "marked"),
    [(0.008, 0.034, 0.213, True), (-0.034, -0.008, 0.051, True), (0.008, 0.034, 0.05, False),
     (-0.008, 0.034, 0.3, False), (0.0, 0.034, 0.3, False), (0.008, 0.034, None, False)],
)  # fmt: skip
def test_i17_an_interval_that_excludes_0_without_a_significant_p_is_marked(low, high, p, marked):
    contrast = Contrast("b", "ap", 30, (low + high) / 2, low, high, 0.01, p, 0.01)
    assert ("n.s." in wording.contrast_text(contrast, 0.05)) == marked


def test_i17_a_table_with_tests_says_how_interval_and_p_are_read():
    assert "significant only where p is at most 0.05" in wording.contrast_reading(handmade.table())
    assert "n.s. (not significant)" in wording.contrast_reading(handmade.table())
    assert wording.contrast_reading(handmade.table(handmade.bare_rows(), primary="ap.pooled")) == ""


def test_i17_missing_cases_of_a_row_are_counted_with_all_cases():
    table = handmade.table()
    assert wording.missing_cases_text(table, table.rows[-2]).startswith("28 of ")
    (row,) = [
        replace(table.rows[-2], cells={("all", "ap.case"): handmade.cell(0.3, n=table.lesion, undefined=0)})
    ]
    assert wording.missing_cases_text(table, row) == ""


def test_a_contrast_without_a_test_has_no_p_value():
    nothing = Contrast("x", "ap.case", 3, None, None, None, None, None, None)
    assert wording.contrast_text(nothing, 0.05) == wording.contrast_text(None, 0.05) == "–"
    assert wording.contrast_text(nothing._replace(difference=0.01), 0.05) == "+0.010"
    assert (
        wording.contrast_text(nothing._replace(difference=-0.0214, p_holm=0.0004), 0.05) == "−0.021, p <0.001"
    )


@pytest.mark.parametrize(
    ("n", "text"), [(None, "–"), (12, "12"), (4500, "4.5k"), (11_200_000, "11.2M"), (2e9, "2G")]
)
def test_counts_in_short(n, text):
    assert wording.count(n) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0521, "0.0521"), (12.34, "12.3"), (1520.4, "1520")]
)
def test_figures_have_three_digits(value, text):
    assert wording.figure(value) == text


def test_an_interval_needs_both_ends():
    assert wording.interval_text(0.12, 0.1724) == "[0.120, 0.172]" and wording.interval_text(None, 0.2) == ""


def test_a_p_that_is_not_significant_is_never_printed_as_alpha():
    found = Contrast("best", "ap.case", 28, -0.1, -0.2, 0.01, 0.01, 0.0504, 0.02)
    assert "p 0.0504" in wording.contrast_text(found, 0.05)
    assert "(p 0.0504)" in wording.brief_contrast_text(found, 0.05)
    assert wording.p_text(0.05000000001) == "> 0.05" and wording.p_text(0.0104, 0.01) == "0.0104"


@pytest.mark.parametrize(
    ("n", "text"), [(999_499, "999k"), (999_600, "1M"), (999_999_999, "1G"), (999, "999")]
)
def test_parameters_are_rounded_before_their_unit_is_chosen(n, text):
    assert wording.count(n) == text
