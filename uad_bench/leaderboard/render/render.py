"""Tables -> text in one of five formats. Equal tables give equal bytes."""

from collections.abc import Callable, Sequence

from uad_bench.errors import unknown_name
from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.overview import READING, overview
from uad_bench.leaderboard.render import escape
from uad_bench.leaderboard.render.csv_json import long_csv, strict_json
from uad_bench.leaderboard.render.html import html
from uad_bench.leaderboard.render.latex import latex
from uad_bench.leaderboard.table import Reported, Table


def render(tables: Sequence[Table], form: str, reported: Sequence[Reported] = ()) -> str:
    """The tables as "markdown", "csv", "latex", "json" or "html". Raises UsageError for another format.

    reported: numbers of papers; Markdown begins with those of the methods that runs are of.
    """
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    return markdown(tables, reported) if form == "markdown" else FORMATS[form](tables)


def markdown(tables: Sequence[Table], reported: Sequence[Reported] = ()) -> str:
    """A section for each table: what pins it down, the table, lesion kinds, clean-up steps, how to read it."""
    if not tables:
        return "no results\n"
    return "\n".join([*_overview(tables, reported), *(_section(table) for table in tables)])


def _overview(tables: Sequence[Table], reported: Sequence[Reported]) -> list[str]:
    """Lines of one section for all test sets, where papers printed something."""
    grid = overview(tables, reported)
    if grid is None:
        return []
    write, shown = escape.markdown, {row[grid.method].text for row in grid.rows}
    sources = dict.fromkeys(paper.source for paper in reported if paper.method in shown)
    said = [*READING, *(f"source: {source}" for source in sources)]
    return [f"## {write(grid.title)}", "", *_lines(grid), "", *(f"- {write(one)}" for one in said), ""]


def _section(table: Table) -> str:
    write = escape.markdown
    lines = [f"## {write(wording.title(table))}", ""]
    lines += [f"- {write(fact)}" for fact in wording.facts(table)]
    lines += ["", *_lines(text_grid.page(table))]
    if kinds := text_grid.kinds(table):
        lines += ["", *_lines(kinds)]
    if stages := text_grid.stages(table):
        lines += ["", f"{stages.title}:", "", *_lines(stages)]
    lines += ["", *(f"- {write(note)}" for note in notes.notes(table)), ""]
    return "\n".join(lines)


def _lines(grid: text_grid.Grid) -> list[str]:
    """A grid as Markdown: the method to the left, all else to the right."""
    write = escape.markdown
    sides = ["---" if index == grid.method else "---:" for index in range(len(grid.heads))]
    return [
        _line([write(heading) for heading in grid.headings]),
        _line(sides),
        *(_line([f"**{write(e.text)}**" if e.best else write(e.text) for e in row]) for row in grid.rows),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "markdown": markdown,
    "csv": long_csv,
    "latex": latex,
    "json": strict_json,
    "html": html,
}
