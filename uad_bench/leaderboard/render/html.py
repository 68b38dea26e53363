"""Tables -> one self-contained HTML page, sorted and filtered in the browser, readable without JavaScript.

The page opens on the largest test set, with a verdict in one sentence and eight columns; a chooser shows the others.
Every text from outside is escaped by the template and written by `printable`; the script contains no text from
outside, and the content security policy of the page allows no other script or style.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uad_bench import __version__
from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.layout.columns import Heading
from uad_bench.leaderboard.layout.cost_points import withheld_text
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.layout.verdict import verdict
from uad_bench.leaderboard.render.charts.chart import Chart
from uad_bench.leaderboard.render.charts.cost import cost_charts
from uad_bench.leaderboard.render.escape import breakable, printable
from uad_bench.leaderboard.render.method_details import Drawn, MethodDetails, method_details
from uad_bench.leaderboard.table import Reported, Row, Table, TableKey
from uad_bench.results.training_log import TrainingLog

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
TEMPLATE = "page.html"
STYLES = ("theme.css", "page.css")
SCRIPT = "page.js"
THEMES = ":root[data-theme=dark] { color-scheme: dark; } :root[data-theme=light] { color-scheme: light; }\n"
#: Columns of text, which are sorted from a to z.
TEXT_COLUMNS = frozenset({"method", "group", "track", "provenance", "reported_ap", "reported_dice"})
#: Width of the drawing of an interval, and its margins, in pixels.
WIDTH, MARGIN = 104, 4


#: By table, the addresses of the cases that a viewer shows.
Links = Mapping[TableKey, Mapping[str, str]]
#: By table and label of the row, what its runs logged in training.
Training = Mapping[TableKey, Mapping[str, Sequence[TrainingLog]]]


@dataclass(frozen=True)
class IntervalBar:
    """A small drawing of a confidence interval: positions from the left in pixels, None for what is not drawn.

    chance: the expected value of random scores.
    """

    chance: float | None
    low: float | None
    high: float | None
    mean: float | None


@dataclass(frozen=True)
class PageTable:
    """A grid of the page. bars: one per row, next to the column `primary`; empty for none."""

    grid: text_grid.Grid
    primary: str = ""
    bars: tuple[IntervalBar, ...] = ()

    @property
    def rows(self) -> list[tuple[Row | None, list[tuple[Heading, text_grid.Entry]]]]:
        """Each table row with its entries and their headings."""
        return [
            (row, list(zip(self.grid.headings, entries, strict=True)))
            for row, entries in zip(self.grid.sources, self.grid.rows, strict=True)
        ]


@dataclass(frozen=True)
class Section:
    """One ranking. more: lesion kinds, strata, post-processing; reported: (method, AP, Dice, source).

    differences: how intervals and p values are read, empty without differences; missing: the cases that the primary
    metric lacks, by label of the row; costs: charts of accuracy against cost; withheld: which costs have no chart, and
    why.
    """

    id: str
    title: str
    dataset: str
    protocol: str
    not_comparable: str
    facts: tuple[str, ...]
    main: PageTable
    more: tuple[PageTable, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    reported: tuple[tuple[str, str, str, Reported], ...]
    verdict: str
    trained_on: str
    counts: str
    methods: tuple[MethodDetails, ...]
    chosen: frozenset[str]
    viewed: tuple[tuple[str, str], ...]
    differences: str
    missing: Mapping[str, str]
    costs: tuple[Chart, ...]
    withheld: str

    def page_of(self, row: Row | None) -> str:
        """The id of the details of a row."""
        return next((method.id for method in self.methods if method.row is row), "")


@dataclass(frozen=True)
class Page:
    """The content of the template. filters: (name, options), each option (value, text); columns: (key, text, shown)."""

    sections: tuple[Section, ...]
    filters: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    style: "Markup"
    script: "Markup"
    columns: tuple[tuple[str, str, bool], ...]
    version: str = __version__
    text_columns: frozenset[str] = TEXT_COLUMNS
    control: str = wording.CONTROL

    @property
    def style_hash(self) -> str:
        """SHA-256 of the style, for the content security policy."""
        return _hash(self.style)

    @property
    def script_hash(self) -> str:
        """SHA-256 of the script, for the content security policy."""
        return _hash(self.script)


def html_page(tables: Sequence[Table], links: Links | None = None, training: Training | None = None) -> str:
    """The HTML page of some tables; equal arguments give equal bytes on any machine.

    links: addresses of cases in a viewer; training: logs of the rows, for training curves.
    """
    import jinja2
    from markupsafe import Markup

    drawn: Drawn = {}
    sections = tuple(
        _section(
            table, f"table-{n}", (links or {}).get(table.key, {}), (training or {}).get(table.key, {}), drawn
        )
        for n, table in enumerate(reading_order(tables), 1)
    )
    style = THEMES.join((HERE / name).read_text(encoding="utf-8") for name in STYLES)
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    # Both are files of this package without text from outside, so they need no escaping.
    page = Page(sections, _filters(sections), Markup(style), Markup(script), _columns(sections))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"printable": printable, "breakable": breakable}
    return environment.get_template(TEMPLATE).render(page=page) + "\n"


def _section(
    table: Table,
    name: str,
    links: Mapping[str, str],
    training: Mapping[str, Sequence[TrainingLog]],
    drawn: Drawn,
) -> Section:
    found = [
        text_grid.lesion_kind_grid(table),
        *text_grid.detection_grids(table),
        *text_grid.stratum_grids(table),
        text_grid.postprocessing_grid(table),
    ]
    more = [grid for grid in found if grid]
    main = _main_table(table)
    shown, differences = [main.grid, *more], wording.contrast_reading(table)
    return Section(
        name,
        wording.title(table),
        table.key.test,
        table.key.protocol,
        table.not_comparable,
        tuple(wording.facts(table)),
        main,
        tuple(map(PageTable, more)),
        tuple(notes.failures(table)),
        tuple(
            note
            for note in (*notes.legend(table, shown), *notes.sources(table, shown))
            if note != differences  # it stands below the table
        ),
        tuple(_reported(table)),
        verdict(table),
        wording.trained_on(table.key),
        f"{table.lesion} with lesions, {table.healthy} healthy",
        tuple(
            method_details(table, row, f"{name}-method-{n}", links, tuple(training.get(row.label, ())), drawn)
            for n, row in enumerate(table.rows, 1)
        ),
        frozenset(heading.key for heading in text_grid.short_grid(table).headings),
        tuple(links.items()),
        differences,
        {row.label: wording.missing_cases_text(table, row) for row in table.rows},
        cost_charts(table),
        withheld_text(table),
    )


def _columns(sections: Sequence[Section]) -> tuple[tuple[str, str, bool], ...]:
    """The columns of all main tables that may be hidden, and whether each is shown at first."""
    headings = {one.key: one.text for part in sections for one in part.main.grid.headings}
    headings.pop("method", None)  # rows without names, and without their missing cases, say nothing
    shown = {key for part in sections for key in part.chosen}
    return tuple((key, text, key in shown) for key, text in headings.items())


def _main_table(table: Table) -> PageTable:
    grid = text_grid.full_grid(table)
    return PageTable(grid, table.primary, _bars(table, grid))


def _bars(table: Table, grid: text_grid.Grid) -> tuple[IntervalBar, ...]:
    """A drawing for each row of the grid, on one scale that includes 0; none where no row has an interval."""
    name = ("all", table.primary)
    cells = [row.cells.get(name) if row else None for row in grid.sources]
    form = table.primary.partition("@")[0].rpartition(".")[2]
    chance = table.prevalence("all", form) if table.primary.startswith("ap.") else None
    ends = [
        value for cell in cells if cell for value in (cell.low, cell.high, cell.mean) if value is not None
    ]
    if not any(cell and cell.low is not None for cell in cells):
        return ()
    low, high = min(0.0, *ends), max(*ends, chance or 0.0)

    def position(value: float | None) -> float | None:
        span = (high - low) or 1.0
        return None if value is None else round(MARGIN + (value - low) / span * (WIDTH - 2 * MARGIN), 1)

    return tuple(
        IntervalBar(position(chance), position(cell.low), position(cell.high), position(cell.mean))
        if cell and cell.low is not None and cell.high is not None
        else IntervalBar(position(chance), None, None, position(cell.mean) if cell else None)
        for cell in cells
    )


def _reported(table: Table) -> Iterator[tuple[str, str, str, Reported]]:
    for row in table.rows:
        for paper in row.reported:
            ap, dice = (wording.reported_text([paper], what) for what in ("ap", "dice"))
            yield row.label, ap, dice, paper


def _filters(sections: Sequence[Section]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The options of the filters by dataset, protocol and metric."""
    datasets = sorted({section.dataset for section in sections})
    protocols = sorted({section.protocol for section in sections})
    headings = (heading for section in sections for heading in section.main.grid.headings)
    metrics = {heading.key: heading.text for heading in headings if heading.metric}
    return (
        ("dataset", tuple((name, name) for name in datasets)),
        ("protocol", tuple((name, name) for name in protocols)),
        ("metric", tuple(metrics.items())),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
