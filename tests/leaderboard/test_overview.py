"""One table over all test sets: measured and reported results in separate columns."""

from dataclasses import replace

import pytest

from tests.helpers.handmade import row, table
from uad_bench.leaderboard.overview import NOTES, overview, overview_notes
from uad_bench.leaderboard.render.render import render
from uad_bench.leaderboard.table import Reported


def paper(method, dataset="brats21", ap=0.5, dice=0.6, modality="t2"):
    return Reported(method, dataset, modality, "Author 2024", "a talk", ap, 0.01, dice, None)


def cells(tables, papers):
    grid = overview(tables, papers)
    return {line[0].text: [entry.text for entry in line[1:]] for line in grid.rows}


@pytest.fixture
def rows():
    return [
        row("fae:self", 0.4, 1),
        row("ae:big", 0.35, 2),
        row("ae", 0.3, 3),
        row("random", 0.02, None, null=True),
    ]


def test_a_published_method_has_a_row_where_only_a_variant_was_run(rows):
    found = cells([table(rows)], [paper("ae"), paper("fae"), paper("ddpm")])
    assert list(found) == ["fae", "fae:self", "ae:big", "ae"]
    assert found["fae"] == ["–", "0.500 ± 0.010", "0.600"]


def test_methods_without_a_run_are_not_listed(rows):
    assert overview([table(rows)], [paper("ddpm")]) is None
    assert render([table(rows)], "markdown", [paper("ddpm")]) == render([table(rows)], "markdown")


def test_f10_the_overview_says_what_the_measured_rows_were_trained_on(rows):
    first, *others = overview_notes([table(rows, test="brats21"), table(rows, test="ixi")])
    assert first.startswith("measured rows: trained on ixi (") and others
    assert first.endswith(", whatever the test set")


def test_a_variant_has_no_reported_results(rows):
    found = cells([table(rows)], [paper("ae"), paper("fae")])
    assert found["ae"][1:] == found["fae"][1:] == ["0.500 ± 0.010", "0.600"]
    assert found["ae:big"][1:] == found["fae:self"][1:] == ["", ""]
    assert found["fae"][0] == "–"


def test_a_reported_variant_is_matched_with_the_same_variant(rows):
    found = cells([table(rows)], [paper("ae:big"), paper("vae:x")])
    assert list(found) == ["fae:self", "ae:big", "ae"]
    assert found["ae:big"][1:] == ["0.500 ± 0.010", "0.600"] and found["ae"][1:] == ["", ""]


def test_the_training_dataset_comes_first_and_only_the_first_ranking_of_a_dataset_is_used(rows):
    tables = [
        table(rows, test="brats21"),
        table(rows[:1], test="ixi"),
        table([row("vae", 0.9, 1)], not_comparable="other cases"),
    ]
    grid = overview(tables, [paper("ae")])
    measured = [heading for heading in grid.texts if "(n=" in heading]
    assert [heading.split(", ")[1] for heading in measured] == ["ixi (n=30)", "brats21 (n=30)"]
    assert "vae" not in {line[0].text for line in grid.rows}
    assert cells(tables, [paper("ae")])["ae"][0] == "–"


def test_runs_of_another_protocol_are_not_included(rows):
    other = table([row("ae", 0.1, 1)], test="brats21", protocol="mine")
    assert [
        heading for heading in overview([table(rows), other], [paper("ae")]).texts if "(n=" in heading
    ] == ["AP per case, mslub (n=30)"]


def test_values_are_those_of_the_table(rows):
    assert cells([table(rows)], [paper("ae")])["fae:self"][0].startswith("0.400 ± 0.012 (")


def test_leaks_and_missing_or_few_seeds_are_shown(rows):
    limited = [
        row("ae", 0.9, None, marks=("leak allowed",)), row("vae", 0.3, None, done=4, started=5),
        row("dae", 0.2, 1, done=3, started=3), row("fae", 0.2, 1, done=1, started=1),
    ]  # fmt: skip
    found = cells([table(limited)], [paper("ae")])
    assert found["ae"][0] == "leak"
    assert found["vae"][0].endswith(", 4 of 5 seeds")
    assert found["dae"][0].endswith(", 3 seeds") and found["fae"][0].endswith(", 1 seed")


def test_few_seeds_are_shown_where_a_table_has_values_only(rows):
    unranked = [row("ae", 0.3, None, done=3, started=3), row("dae", 0.2, None, done=5, started=5)]
    found = cells([table(unranked)], [paper("ae")])
    assert found["ae"][0].endswith(", 3 seeds") and not found["dae"][0].endswith("seeds")


def test_modalities_are_columns_of_their_own(rows):
    papers = [paper("ae"), paper("ae", ap=0.1, modality="t1")]
    grid = overview([table(rows)], papers)
    assert [heading for heading in grid.texts if "reported AP" in heading] == [
        "reported AP, brats21 t2", "reported AP, brats21 t1",
    ]  # fmt: skip
    assert cells([table(rows)], papers)["ae"][1:] == ["0.500 ± 0.010", "0.600", "0.100 ± 0.010", "0.600"]


def test_only_markdown_has_it_and_only_with_reported_results(rows):
    first = table(rows)
    assert render([first], "markdown", [paper("ae")]).startswith("## All test sets")
    assert "source: a talk" in render([first], "markdown", [paper("ae")])
    assert render([first], "markdown").startswith("## Tested on mslub")
    assert render([first], "csv", [paper("ae")]) == render([first], "csv")
    assert overview([], [paper("ae")]) is None


def test_methods_of_all_tracks_are_in_it_with_the_track_named(rows):
    first = table(rows)
    other = replace(table([row("deep", 0.6, 1, track="features")]), not_comparable="track differs: ...")
    other = replace(other, key=other.key._replace(track="features"))
    grid = overview([first, other], [paper("ae")])
    assert grid.texts[:2] == ("method", "track")
    shown = {line[0].text: [entry.text for entry in line[1:3]] for line in grid.rows}
    assert shown["ae"][0] == "healthy" and shown["deep"][0] == "features"
    assert shown["deep"][1].startswith("0.600")
    assert any(
        note.endswith("each track has a ranking of its own") for note in overview_notes([first, other])
    )
    assert "track" not in overview([first], [paper("ae")]).texts


def test_a_metric_that_no_paper_reports_for_a_dataset_has_no_column(rows):
    grid = overview([table(rows)], [paper("ae"), paper("ae", "brats", None, 0.3, "t1")])
    assert grid.texts[2:] == (
        "reported AP, brats21 t2",
        "reported Dice, brats21 t2",
        "reported Dice, brats t1",
    )


def test_tables_of_other_protocols_that_the_overview_lacks_are_named(rows):
    tables = [
        table(rows, test="brats21"),
        table(rows, test="mslub", protocol="other"),
        table(rows, test="ixi"),
    ]
    assert len(overview(tables, [paper("ae")]).rows[0]) == 1 + 2 + 2
    (left_out,) = [note for note in overview_notes(tables) if note.startswith("not in this table")]
    assert left_out.endswith(": Tested on mslub, trained on ixi, protocol other")
    assert not any(note.startswith("not in this table") for note in overview_notes(tables[::2]))


def test_the_spread_of_reported_results_is_not_that_of_the_measured_ones():
    measured, reported, _ = NOTES
    assert "± sample standard deviation (ddof = 1) over seeds" in measured
    assert reported.startswith("reported: as printed in the source (± too, which may be over folds)")
