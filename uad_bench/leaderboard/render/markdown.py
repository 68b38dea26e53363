"""Tables -> Markdown: an overview of all test sets, then a section for each table."""

from collections.abc import Sequence

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.overview import overview, overview_notes
from uad_bench.leaderboard.render.escape import markdown as write
from uad_bench.leaderboard.table import Reported, Table


def markdown_page(tables: Sequence[Table], reported: Sequence[Reported] = ()) -> str:
    """Markdown sections: overview (where there are `reported` results), then facts, grids and notes of each table.

    The main grid has eight columns at most; all values, with intervals and tests, are in CSV and JSON.
    """
    if not tables:
        return "no results\n"
    return "\n".join([*_overview(tables, reported), *(_section(table) for table in reading_order(tables))])


def _overview(tables: Sequence[Table], reported: Sequence[Reported]) -> list[str]:
    """Lines of the overview of all test sets; empty without reported results."""
    grid = overview(tables, reported)
    if grid is None:
        return []
    shown = {row[grid.method].text for row in grid.rows}
    sources = dict.fromkeys(paper.source for paper in reported if paper.method in shown)
    lines = [*overview_notes(tables), *(f"source: {source}" for source in sources)]
    return [f"## {write(grid.title)}", "", *_grid(grid), "", *(f"- {write(line)}" for line in lines), ""]


def _section(table: Table) -> str:
    lines = [f"## {write(wording.title(table))}", ""]
    lines += [f"- {write(fact)}" for fact in wording.facts(table)]
    main = text_grid.short_grid(table)
    kinds, steps = text_grid.lesion_kind_grid(table), text_grid.postprocessing_grid(table)
    lines += ["", *_grid(main)]
    if kinds:
        lines += ["", *_grid(kinds)]
    if steps:
        lines += ["", f"{steps.title}:", "", *_grid(steps)]
    shown = [grid for grid in (main, kinds, steps) if grid]
    lines += ["", *(f"- {write(note)}" for note in notes.notes(table, shown)), ""]
    return "\n".join(lines)


def _grid(grid: text_grid.Grid) -> list[str]:
    """A grid as a Markdown table: the method aligned to the left, all other columns to the right."""
    sides = ["---" if index == grid.method else "---:" for index in range(len(grid.headings))]
    return [
        _line([write(text) for text in grid.texts]),
        _line(sides),
        *(_line([f"**{write(e.text)}**" if e.best else write(e.text) for e in row]) for row in grid.rows),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
