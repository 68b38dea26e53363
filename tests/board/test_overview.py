"""All test sets in one table: measured numbers beside those of papers, never mixed up with them."""

import pytest

from tests.board.handmade import row, table
from uad_bench.board.overview import overview
from uad_bench.board.render import render
from uad_bench.board.summary import Reported


def paper(method, dataset="brats21", ap=0.5, dice=0.6):
    return Reported(method, dataset, "t2", "Somebody 2024", "a talk", ap, 0.01, dice, None)


def cells(tables, papers):
    grid = overview(tables, papers)
    return {(line[0].text, line[1].text): [entry.text for entry in line[2:]] for line in grid.rows}


@pytest.fixture
def rows():
    return [
        row("fae:self", 0.4, 1),
        row("ae:big", 0.35, 2),
        row("ae", 0.3, 3),
        row("random", 0.02, None, null=True),
    ]


def test_every_method_of_a_paper_has_a_line_whether_or_not_it_was_run(rows):
    found = cells([table(rows)], [paper("ae"), paper("fae"), paper("ddpm")])
    assert list(found) == [("fae", "fae:self"), ("ae", "ae"), ("ae", "ae:big"), ("ddpm", "–")]
    assert found["ddpm", "–"] == ["–", "0.500 ± 0.010", "0.600"]


def test_a_variant_never_takes_the_place_of_its_method(rows):
    """ae:big ranks before ae, but the paper's numbers are beside ae, and once."""
    found = cells([table(rows)], [paper("ae")])
    assert found["ae", "ae"][1:] == ["0.500 ± 0.010", "0.600"]
    assert found["ae", "ae:big"][1:] == ["", ""]
    assert found["fae", "fae:self"][1:] == ["", ""]


def test_a_paper_may_have_run_what_is_a_variant_here(rows):
    found = cells([table(rows)], [paper("ae:big"), paper("vae:x")])
    assert list(found)[1:] == [("ae", "ae:big"), ("ae", "ae"), ("vae", "–")]
    assert found["ae", "ae:big"][1:] == ["0.500 ± 0.010", "0.600"]


def test_the_set_that_is_trained_on_comes_first_and_a_second_ranking_of_a_set_is_left_out(rows):
    tables = [
        table(rows, test="brats21"),
        table(rows[:1], test="ixi"),
        table([row("vae", 0.9, 1)], apart="other cases"),
    ]
    grid = overview(tables, [paper("ae")])
    measured = [heading for heading in grid.headings if "(n=" in heading]
    assert [heading.split(", ")[1] for heading in measured] == ["ixi (n=30)", "brats21 (n=30)"]
    assert "vae" not in {line[0].text for line in grid.rows}
    missing = next(line for line in grid.rows if line[1].text == "ae")
    assert [entry.text for entry in missing[2:3]] == ["–"]


def test_numbers_are_those_of_the_table(rows):
    (line,) = [line for key, line in cells([table(rows)], [paper("ae")]).items() if key[1] == "fae:self"]
    assert line[0].startswith("0.400 ± 0.012 (")


def test_only_markdown_begins_with_it_and_only_where_something_was_printed(rows):
    first = table(rows)
    assert render([first], "markdown", [paper("ae")]).startswith("## All test sets")
    assert "source: a talk" in render([first], "markdown", [paper("ae")])
    assert render([first], "markdown").startswith("## uad-1mm")
    assert render([first], "csv", [paper("ae")]) == render([first], "csv")
    assert overview([], [paper("ae")]) is None
