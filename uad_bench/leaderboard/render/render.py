"""Tables -> text in one of five formats. Equal tables give equal bytes."""

from collections.abc import Callable, Sequence

from uad_bench.errors import unknown_name
from uad_bench.leaderboard.render.csv_json import long_csv, strict_json
from uad_bench.leaderboard.render.html import html_page
from uad_bench.leaderboard.render.latex import latex_tables
from uad_bench.leaderboard.render.markdown import markdown_page
from uad_bench.leaderboard.table import Reported, Table

FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "markdown": markdown_page,
    "csv": long_csv,
    "latex": latex_tables,
    "json": strict_json,
    "html": html_page,
}


def render(tables: Sequence[Table], form: str, reported: Sequence[Reported] = ()) -> str:
    """The tables as "markdown", "csv", "latex", "json" or "html". Raises UsageError for another format.

    reported: results of papers; Markdown begins with an overview that shows them for the methods of the tables.
    """
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    return markdown_page(tables, reported) if form == "markdown" else FORMATS[form](tables)
