"""Tables -> one page of HTML that needs nothing else: sorted and filtered in the browser, read without a script too.

Every text from outside is escaped by the template and shown by `visible`; the script has no text from outside at
all, and the page's own policy lets no other script or style work.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.layout.column import Head
from uad_bench.leaderboard.render.escape import visible
from uad_bench.leaderboard.table import Reported, Row, Table

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
TEMPLATE = "page.html"
STYLES = ("theme.css", "page.css")
SCRIPT = "page.js"
THEMES = ":root[data-theme=dark] { color-scheme: dark; } :root[data-theme=light] { color-scheme: light; }\n"
#: Columns of words, which are sorted from a to z.
WORDS = frozenset({"method", "group", "provenance", "reported_ap", "reported_dice"})
#: Width of the drawing of an interval, and the margin for its dot, in pixels.
WIDE, MARGIN = 104, 4


@dataclass(frozen=True)
class Bar:
    """An interval drawn small: places from the left in pixels, None for what is not drawn."""

    floor: float | None
    low: float | None
    high: float | None
    at: float | None


@dataclass(frozen=True)
class Board:
    """A grid of the page. primary: the column that `bars`, one a row, stand beside; none where it is empty."""

    grid: text_grid.Grid
    primary: str = ""
    bars: tuple[Bar, ...] = ()

    @property
    def rows(self) -> list[tuple[Row | None, list[tuple[Head, text_grid.Entry]]]]:
        """Each row of the table with its entries under their heads."""
        return [
            (row, list(zip(self.grid.heads, entries, strict=True)))
            for row, entries in zip(self.grid.about, self.grid.rows, strict=True)
        ]


@dataclass(frozen=True)
class Section:
    """All about one ranking. more: lesion kinds, strata, clean-up; reported: (method, AP, Dice, where it is from)."""

    id: str
    title: str
    dataset: str
    protocol: str
    apart: str
    facts: tuple[str, ...]
    main: Board
    more: tuple[Board, ...]
    troubles: tuple[str, ...]
    notes: tuple[str, ...]
    reported: tuple[tuple[str, str, str, Reported], ...]


@dataclass(frozen=True)
class Page:
    """What the template shows. filters: by name, (value, text) of what may be chosen."""

    sections: tuple[Section, ...]
    filters: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    style: "Markup"
    script: "Markup"
    words: frozenset[str] = WORDS

    @property
    def style_hash(self) -> str:
        """What the page's policy knows its style by."""
        return _hash(self.style)

    @property
    def script_hash(self) -> str:
        """What the page's policy knows its script by."""
        return _hash(self.script)


def html(tables: Sequence[Table]) -> str:
    """The page of some tables; equal tables give equal bytes, wherever and whenever."""
    import jinja2
    from markupsafe import Markup

    sections = tuple(_section(table, f"table-{n}") for n, table in enumerate(tables, 1))
    style = THEMES.join((HERE / name).read_text(encoding="utf-8") for name in STYLES)
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    # Both are files of this package: nothing from outside is in them.
    page = Page(sections, _filters(sections), Markup(style), Markup(script))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["shown"] = visible
    return environment.get_template(TEMPLATE).render(page=page) + "\n"


def _section(table: Table, name: str) -> Section:
    more = [
        grid for grid in (text_grid.kinds(table), *text_grid.strata(table), text_grid.stages(table)) if grid
    ]
    return Section(
        name,
        wording.title(table),
        table.key.test,
        table.key.protocol,
        table.apart,
        tuple(wording.facts(table)),
        _main(table),
        tuple(map(Board, more)),
        tuple(notes.troubles(table)),
        (*notes.reading(table), *notes.sources(table)),
        tuple(_reported(table)),
    )


def _main(table: Table) -> Board:
    grid = text_grid.page(table)
    return Board(grid, table.primary, _bars(table, grid))


def _bars(table: Table, grid: text_grid.Grid) -> tuple[Bar, ...]:
    """A drawing for each row of the grid, on one scale from 0; none where no row has an interval."""
    name = ("all", table.primary)
    cells = [row.cells.get(name) if row else None for row in grid.about]
    form = table.primary.partition("@")[0].rpartition(".")[2]
    floor = table.prevalence("all", form) if table.primary.startswith("ap.") else None
    ends = [
        value for cell in cells if cell for value in (cell.low, cell.high, cell.mean) if value is not None
    ]
    if not any(cell and cell.low is not None for cell in cells):
        return ()
    low, high = min(0.0, *ends), max(*ends, floor or 0.0)

    def at(value: float | None) -> float | None:
        span = (high - low) or 1.0
        return None if value is None else round(MARGIN + (value - low) / span * (WIDE - 2 * MARGIN), 1)

    return tuple(
        Bar(at(floor), at(cell.low), at(cell.high), at(cell.mean))
        if cell and cell.low is not None and cell.high is not None
        else Bar(at(floor), None, None, at(cell.mean) if cell else None)
        for cell in cells
    )


def _reported(table: Table) -> Iterator[tuple[str, str, str, Reported]]:
    for row in table.rows:
        for paper in row.reported:
            ap, dice = (wording.reported_text([paper], what) for what in ("ap", "dice"))
            yield row.label, ap, dice, paper


def _filters(sections: Sequence[Section]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """What can be chosen by dataset, protocol and metric."""
    datasets = sorted({section.dataset for section in sections})
    protocols = sorted({section.protocol for section in sections})
    metrics = {head.key: head.text for s in sections for head in s.main.grid.heads if head.metric}
    return (
        ("dataset", tuple((name, name) for name in datasets)),
        ("protocol", tuple((name, name) for name in protocols)),
        ("metric", tuple(metrics.items())),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
