"""Tables -> tables for the terminal, narrow enough for about 80 characters."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.render.escape import visible
from uad_bench.leaderboard.table import Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

STAR = "* lacks seeds or cases; the other formats say which"


def rich_tables(tables: Sequence[Table]) -> "list[RichTable | Text]":
    """For each: what it is, narrow tables (ranks, other metrics, differences, kinds, reported), how to read it."""
    return [part for table in tables for part in _parts(table)]


def _parts(table: Table) -> "list[RichTable | Text]":
    parts = [_rich(grid) for grid in text_grid.narrow(table)]
    starred = any(
        str(cell).endswith("*") for part in parts for column in part.columns for cell in column.cells
    )
    head = _text(wording.title(table), style="bold")
    facts = _text(*(f"  {fact}" for fact in wording.facts(table)))
    said = _text(*(f"  {note}" for note in [*notes.notes(table), *([STAR] if starred else [])]), "")
    return [head, facts, *parts, said]


def _rich(grid: text_grid.Grid) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable

    result = RichTable(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for index, heading in enumerate(grid.headings):
        widest = max((len(visible(row[index].text)) for row in grid.rows), default=0)
        # The method's name folds first; numbers stay on one line.
        least = 8 if index == grid.method else min(widest, 24)
        broken = _text(*re.sub(r"([@_])", "\\1\n", heading).split("\n"))
        result.add_column(
            broken, justify="left" if index == grid.method else "right", min_width=least, overflow="fold"
        )
    for row in grid.rows:
        result.add_row(*(_text(entry.text, style="bold" if entry.best else "") for entry in row))
    return result


def _text(*lines: str, style: str = "") -> "Text":
    """Lines as they are: in a Text no name is taken for markup."""
    from rich.text import Text

    return Text("\n".join(visible(line) for line in lines), style=style)
