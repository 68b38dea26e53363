"""Table -> headings and rows of words, the same for every format that people read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from uad_bench.leaderboard.layout import info_columns, metric_columns
from uad_bench.leaderboard.layout.column import Field, Head
from uad_bench.leaderboard.layout.columns import columns, of_groups, of_stages
from uad_bench.leaderboard.table import Row, Table

#: So many columns of numbers beside rank and method fit 80 characters, or with deviations a page of paper.
ACROSS, ON_PAPER = 8, 5


@dataclass(frozen=True)
class Entry:
    """What stands in a place; `best` where no ranked row shows a better number in the column.

    value: what the place is sorted by, None for what sorts by its text or lacks a number.
    """

    text: str
    best: bool = False
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """Heads over rows of equally many entries; the head "method" names the method.

    about: the row of the table behind each row of entries, None for the row of a random score.
    """

    heads: tuple[Head, ...]
    rows: tuple[tuple[Entry, ...], ...]
    about: tuple[Row | None, ...]
    title: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """The words of the heads."""
        return tuple(head.text for head in self.heads)

    @property
    def method(self) -> int:
        """Which column names the method; those before and after it stand to the right."""
        return self.headings.index("method")


def page(table: Table) -> Grid:
    """All columns at once, but for lesion kinds and strata."""
    primary, *others = columns(table)
    return _grid(
        table,
        [
            *info_columns.rank(table),
            *info_columns.front(table),
            metric_columns.primary(table, primary),
            *(metric_columns.full(table, column) for column in others),
            *info_columns.contrasts(table),
            *info_columns.costs(table),
            *info_columns.reported(table),
        ],
    )


def kinds(table: Table) -> Grid | None:
    """The primary metric by lesion kind; None where no kind has numbers."""
    shown = [metric_columns.full(table, column) for column in of_groups(table, table.groups)]
    return _grid(table, [*_name(), *shown], title="by lesion kind") if shown else None


def strata(table: Table) -> list[Grid]:
    """The same for each thing that cases are parted by: a grid "by site", one "by sex"."""
    by: dict[str, list[str]] = {}
    for stratum in table.strata:
        by.setdefault(stratum.partition("=")[0], []).append(stratum)
    found = []
    for name, groups in by.items():
        shown = [metric_columns.full(table, column) for column in of_groups(table, groups)]
        if shown:
            found.append(_grid(table, [*_name(), *shown], title=f"by {name}"))
    return found


def stages(table: Table) -> Grid | None:
    """The primary metric after each clean-up step; None where no run has it."""
    shown = [metric_columns.full(table, column) for column in of_stages(table)]
    return _grid(table, [*_name(), *shown], title="clean-up step by step") if shown else None


def narrow(table: Table) -> list[Grid]:
    """Grids of about 80 characters: how the methods rank, other metrics, differences and costs, reported, kinds.

    Only the primary metric has its deviation; a number that lacks seeds or cases has a star.
    """
    primary, *others = columns(table)
    first = [*info_columns.front(table, brief=True), *metric_columns.apart(table, primary)]
    rest = [metric_columns.brief(table, column) for column in others]
    kinds_ = [metric_columns.brief(table, column) for column in of_groups(table, table.groups)]
    return _parts(table, first, _chunks(rest, ACROSS), _chunks(kinds_, ACROSS))


def printed(table: Table) -> list[Grid]:
    """The same grids for a page of paper, every number with its deviation."""
    primary, *others = columns(table)
    first = [*info_columns.front(table), metric_columns.primary(table, primary)]
    rest = [metric_columns.full(table, column) for column in others]
    kinds_ = [metric_columns.full(table, column) for column in of_groups(table, table.groups)]
    return _parts(table, first, _chunks(rest, ON_PAPER), _chunks(kinds_, ON_PAPER))


def _parts(
    table: Table, first: Sequence[Field], rest: Sequence[Sequence[Field]], by_kind: Sequence[Sequence[Field]]
) -> list[Grid]:
    """The grid of ranks, then the others that have a column, rank and method before each."""
    parts = [
        *rest,
        [*info_columns.contrasts(table), *info_columns.costs(table)],
        info_columns.reported(table),
    ]
    return [
        _grid(table, [*info_columns.rank(table), *first]),
        *(_grid(table, [*_name(), *some]) for some in parts if some),
        *(_grid(table, [*_name(), *some], title="by lesion kind") for some in by_kind),
    ]


def _chunks(shown: Sequence[Field], most: int) -> list[Sequence[Field]]:
    return [shown[at : at + most] for at in range(0, len(shown), most)]


def _name() -> list[Field]:
    """Rank and method, which begin every grid but the first."""
    return [info_columns.bare_rank(), info_columns.method()]


def _grid(table: Table, shown: Sequence[Field], title: str = "") -> Grid:
    rows = [tuple(_entry(field, row) for field in shown) for row in table.rows]
    about: list[Row | None] = list(table.rows)
    if any(field.floor is not None for field in shown):
        rows.insert(0, tuple(Entry(field.chance, value=field.floor) for field in shown))
        about.insert(0, None)
    return Grid(tuple(field.head for field in shown), tuple(rows), tuple(about), title)


def _entry(field: Field, row: Row) -> Entry:
    value: Callable[[Row], float | None] | None = field.value
    return Entry(field.text(row), row.label in field.best, value(row) if value else None)
