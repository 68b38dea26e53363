"""Footnotes: every mark and column of the grids is explained, and no others."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout import notes, text_grid


@pytest.fixture(scope="module")
def full():
    return handmade.table()


@pytest.fixture(scope="module")
def bare():
    return handmade.table(handmade.bare_rows(), primary="ap.pooled")


def below(table, make=text_grid.full_grid):
    """The notes below a grid of the table."""
    return notes.notes(table, [make(table)])


MARKS = ["±", "[a, b]", "rank [a–b]", "group:", "°", "Δ to best (patch2loc:conv)",
         "Δ to baseline, the best method that is declared as one (atlas-z)",
         "†",
         "control:", "undefined:", "AP gain:", "training, s:", "Kendall's tau", "ranks that change if",
         "ranks based on fewer"]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_is_explained_where_it_is_used(full, bare, mark):
    assert any(note.startswith(mark) for note in below(full))
    assert mark in {"±", "°", "undefined:"} or not any(note.startswith(mark) for note in below(bare))


#: Notes of columns and marks that only some grids have.
OF_COLUMNS = [
    "rank [a–b]",
    "group:",
    "Δ to best",
    "Δ to baseline",
    "≈",
    "†",
    "AP gain:",
    "training, s:",
    "reported:",
]


def test_f13_columns_that_a_grid_lacks_are_not_explained(full):
    short = below(full, text_grid.short_grid)
    assert [mark for mark in OF_COLUMNS if any(note.startswith(mark) for note in short)] == ["Δ to best", "≈"]
    assert (
        "s/volume: scoring time per scan, a mean over all test sets of a run; as recorded by the runs"
        in short
    )
    everything = below(full)
    assert all(any(note.startswith(mark) for note in everything) for mark in OF_COLUMNS)


def test_f13_the_baseline_is_not_explained_where_it_is_the_strongest_reference():
    rows = [replace(row, to_reference=row.to_baseline) for row in handmade.full_rows()]
    starts = [note[:9] for note in below(handmade.table(rows)) if note.startswith("Δ to")]
    assert starts == ["Δ to best", "Δ to refe"]


def test_strata_are_explained_below_their_grids(full):
    text = "strata (site, sex, ...) are small and overlap: they have no confidence interval"
    assert text not in below(full)
    assert text in notes.notes(full, [text_grid.full_grid(full), *text_grid.stratum_grids(full)])


def test_f13_a_grid_without_the_column_cases_counts_them_in_the_primary_metric(full):
    grid = text_grid.short_grid(full)
    primary = grid.texts.index("AP per case")
    assert all(row[primary].text.endswith(", 2 undefined") for row in grid.rows[1:])
    assert any(note.startswith("undefined:") for note in notes.notes(full, [grid]))


def test_the_statistics_are_named_with_their_settings(full):
    text = "\n".join(below(full))
    assert (
        "do not differ significantly (t test over seeds and patients, variances over seeds moderated across rows, "
        "Holm's correction over all pairs" in text
    )
    assert (
        "95 % percentile bootstrap interval of the rank, 1000 resamples of the patients (seed 20211)" in text
    )
    assert "seeds and patients both treated as random" in text
    assert "sample standard deviation (ddof = 1) over seeds" in text


def test_one_seed_and_folds_are_explained(bare):
    assert any(note.startswith("a standard deviation is given from 3 seeds on") for note in below(bare))
    folds = handmade.table([handmade.row("ae", 0.3, folds=5)])
    assert any(note.startswith("folds differ in their training cases") for note in below(folds))


def test_rows_that_see_some_modalities_are_explained(full):
    rows = [handmade.row("dae@t2 [steps=50]", 0.3), handmade.row("dae", 0.3)]
    assert any(note.startswith("method@t2: the method sees only") for note in below(handmade.table(rows)))
    assert not any(note.startswith("method@") for note in below(full))


def test_failures_remarks_and_leaks_are_listed():
    rows = [
        handmade.row("ae", 0.3, failures=("ae seed 4: failed",), marks=("leak L1: x", "roles from a split"))
    ]
    assert notes.failures(handmade.table(rows)) == [
        "no result: ae seed 4: failed",
        "remark: leak L1: x",
        "remark: roles from a split",
        "leak: test and training data are not independent; not a valid result, never ranked",
    ]


def test_sources_of_reported_results_are_listed_once(full):
    (line,) = notes.sources(full, [text_grid.full_grid(full)])
    assert line.endswith("not ranked; source: a table of a paper")


def test_a_threshold_rule_is_explained_where_a_column_has_it(full, bare):
    told = [note for note in below(full) if note.startswith("@")]
    assert told and all(": the threshold is " in note for note in told)
    assert [note for note in below(bare) if note.startswith("@")] == []


def test_intervals_of_differences_are_explained_only_below_grids_that_show_them(full):
    for make, shown in ((text_grid.terminal_grids, False), (text_grid.printed_grids, True)):
        text = " ".join(notes.notes(full, make(full)))
        assert "Δ: a difference is significant only where p is at most 0.05" in text
        assert [words in text for words in ("pointwise", "n.s.")] == [shown, shown]
