"""Footnotes: every mark in a table is explained, and no others."""

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.layout import notes


@pytest.fixture(scope="module")
def full():
    return handmade.table()


@pytest.fixture(scope="module")
def bare():
    return handmade.table(handmade.bare_rows(), primary="ap.pooled")


MARKS = ["±", "[a, b]", "rank [a–b]", "group:", "°", "Δ to best (patch2loc:conv)",
         "Δ to baseline, the best method that is declared as one (atlas-z)",
         "†",
         "control:", "undefined:", "AP gain:", "training, s:", "Kendall's tau", "ranks that change if",
         "ranks based on fewer"]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_is_explained_where_it_is_used(full, bare, mark):
    assert any(note.startswith(mark) for note in notes.notes(full))
    assert mark in {"±", "°", "undefined:"} or not any(note.startswith(mark) for note in notes.notes(bare))


def test_the_statistics_are_named_with_their_settings(full):
    text = "\n".join(notes.legend(full))
    assert (
        "do not differ significantly (t test over seeds and patients, Holm's correction over all pairs"
        in text
    )
    assert (
        "95 % percentile bootstrap interval of the rank, 1000 resamples of the patients (seed 20211)" in text
    )
    assert "seeds and patients both treated as random" in text
    assert "sample standard deviation (ddof = 1) over seeds" in text


def test_one_seed_and_folds_are_explained(bare):
    assert any(
        note.startswith("a standard deviation is given from 3 seeds on") for note in notes.legend(bare)
    )
    folds = handmade.table([handmade.row("ae", 0.3, folds=5)])
    assert any(note.startswith("folds differ in their training cases") for note in notes.legend(folds))


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
    (line,) = notes.sources(full)
    assert line.endswith("not ranked; source: a table of a paper")
