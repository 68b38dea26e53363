"""Tables -> text in one of five formats. Equal tables give equal bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

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

#: The format of a file by the ending of its name.
ENDINGS = {"md": "markdown", "csv": "csv", "tex": "latex", "json": "json", "html": "html", "htm": "html"}
TEXT = "text"


def format_for(named: str, to: Path | None) -> str:
    """The format that is named, or else that of the file's ending; text for other files and for stdout.

    Raises UsageError for a name that is no format.

    >>> format_for("", Path("board.TEX")), format_for("", None), format_for("json", Path("board.tex"))
    ('latex', 'text', 'json')
    """
    if named and named not in {*FORMATS, TEXT}:
        raise unknown_name("format", named, [*FORMATS, TEXT])
    return named or ENDINGS.get(to.suffix.lower().removeprefix(".") if to else "", TEXT)


def render(tables: Sequence[Table], form: str, reported: Sequence[Reported] = ()) -> str:
    """The tables as "markdown", "csv", "latex", "json" or "html". Raises UsageError for another format.

    reported: results of papers; Markdown begins with an overview that shows them for the methods of the tables.
    """
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    return markdown_page(tables, reported) if form == "markdown" else FORMATS[form](tables)
