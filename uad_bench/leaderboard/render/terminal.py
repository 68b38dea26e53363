"""Tables -> rich tables for a terminal of about 80 characters."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.table import Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

STAR = "* incomplete: seeds or cases are missing, which the other formats list"


def rich_tables(tables: Sequence[Table]) -> "list[RichTable | Text]":
    """For each table: title and facts, narrow grids (ranks, metrics, differences, reported, lesion kinds), notes."""
    return [part for table in reading_order(tables) for part in _parts(table)]


def _parts(table: Table) -> "list[RichTable | Text]":
    grids = text_grid.terminal_grids(table)
    parts = [_rich(grid) for grid in grids]
    starred = any(
        str(cell).endswith("*") for part in parts for column in part.columns for cell in column.cells
    )
    title = _text(wording.title(table), style="bold")
    facts = _text(*(f"  {fact}" for fact in wording.facts(table)))
    footnotes = _text(
        *(f"  {note}" for note in [*notes.notes(table, grids), *([STAR] if starred else [])]), ""
    )
    return [title, facts, *parts, footnotes]


def _rich(grid: text_grid.Grid) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable

    result = RichTable(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for index, text in enumerate(grid.texts):
        widest = max((len(printable(row[index].text)) for row in grid.rows), default=0)
        # The label is wrapped first; values stay on one line.
        least = 8 if index == grid.method else min(widest, 24)
        broken = _text(*re.sub(r"([@_])", "\\1\n", text).split("\n"))
        result.add_column(
            broken, justify="left" if index == grid.method else "right", min_width=least, overflow="fold"
        )
    for row in grid.rows:
        result.add_row(*(_text(entry.text, style="bold" if entry.best else "") for entry in row))
    return result


def _text(*lines: str, style: str = "") -> "Text":
    """Lines without markup: in a Text, rich does not interpret brackets in names."""
    from rich.text import Text

    return Text("\n".join(printable(line) for line in lines), style=style)
