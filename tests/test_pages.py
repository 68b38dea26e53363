"""The measured numbers on README and the pages of the methods are those of the shipped leaderboard."""

import pytest

from benchmarks.pages import MARKED, PAGES, ROOT, ROW, TABLES, Board, written

BOARD = Board(ROOT / "leaderboard/results/measured.csv.gz")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_the_numbers_of_the_leaderboard(page):
    assert written(page.read_text(), BOARD) == page.read_text(), "run python -m benchmarks.pages"


def test_every_table_and_every_method_of_the_leaderboard_is_on_a_page():
    texts = [page.read_text() for page in PAGES]
    assert {match["name"] for text in texts for match in MARKED.finditer(text)} == set(TABLES)
    rows = {match["method"] for text in texts for match in ROW.finditer(text)}
    on_board = {name for name in BOARD.order() if BOARD.row(name)["null"] == 0}
    assert on_board - rows == {
        "pddpm:slice-noise",
        "ddpm:slice-noise",
        "cddpm:slice-noise",
    }  # in a table of their own


def test_other_numbers_on_a_page_are_replaced():
    page = "| measured AP, `thresh`, x | 9.999 | 9 | 9 |\n| reported AUPRC, % | 9.999 | | |\n"
    mean = BOARD.row("thresh")["mean"]
    assert f"| measured AP, `thresh`, x | {mean:.3f} (" in written(page, BOARD)
    assert "| reported AUPRC, % | 9.999 |" in written(page, BOARD)
    table = "<!-- measured: synthetic cohort -->\n| wrong |\n<!-- end -->\n"
    assert "wrong" not in written(table, BOARD) and f"{mean:.3f} [" in written(table, BOARD)
