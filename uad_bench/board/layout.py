"""Table -> headings and rows of words, the same for every format that people read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from uad_bench.board import wording
from uad_bench.board.summary import ORACLE, Name, Row, Table


@dataclass(frozen=True)
class Column:
    """A metric of a group. chance: the form of the prevalence it stands beside, "" where none does."""

    heading: str
    name: Name
    chance: Literal["", "pooled", "case"] = ""
    digits: int = 3
    lower_is_better: bool = False


@dataclass(frozen=True)
class Entry:
    """What stands in a place; `best` where no ranked row shows a better number in the column."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Field:
    """A column as words: its heading, the text of a row, the text of a random score, the best rows' labels."""

    heading: str
    text: Callable[[Row], str]
    chance: str = ""
    best: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Grid:
    """Headings over rows of equally many entries; the second column names the method."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


def page(table: Table) -> Grid:
    """All columns at once."""
    shown = [_full(table, column) for column in columns(table)]
    return _grid(table, [*_front(), Field("seeds", wording.seeds_text), *shown, *_reported(table)])


def narrow(table: Table) -> list[Grid]:
    """Grids of about 80 characters: pooled average precisions, other metrics, what papers reported.

    Only the primary metric has its deviation; a number that lacks seeds or cases has a star.
    """
    primary, *others = columns(table)
    kinds = [column for column in others if column.name[1] == "ap.pooled"]
    rest = [_brief(table, column) for column in others if column not in kinds]
    seeds = Field("seeds", lambda row: wording.seeds_text(row, brief=True))
    first = [seeds, *_wide(table, primary), *(_brief(table, column) for column in kinds)]
    parts = [first, rest, _reported(table)]
    return [_grid(table, [*_front(), *fields]) for fields in parts if fields]


def columns(table: Table) -> list[Column]:
    """The columns a table has numbers for, the primary metric first; all other metrics are in CSV and JSON."""
    known = {name for row in table.rows for name in row.cells}
    shown = [column for column in [*_ranking(table), *_operating(known)] if column.name in known]
    primary = ("all", table.primary)
    if primary not in [column.name for column in shown]:
        return [Column(table.primary, primary), *shown]
    return sorted(shown, key=lambda column: column.name != primary)


def _ranking(table: Table) -> list[Column]:
    kinds = [Column(f"AP {kind}", (kind, "ap.pooled"), chance="pooled") for kind in table.groups]
    return [
        Column("AP pooled", ("all", "ap.pooled"), chance="pooled"),
        *kinds,
        Column("AP per case", ("all", "ap.case"), chance="case"),
        Column("AUROC", ("all", "auroc.pooled")),
    ]


def _operating(known: set[Name]) -> list[Column]:
    """Metrics at a threshold rule; those whose rule is an oracle come last."""
    names = sorted(known, key=lambda name: (ORACLE in name[1], name))
    dice = [
        Column(f"{metric}{wording.DAGGER if ORACLE in metric else ''}", (group, metric))
        for group, metric in names
        if group == "all" and metric.startswith("dice@")
    ]
    alarms = [
        Column(f"{metric} (healthy)", (group, metric), digits=4, lower_is_better=True)
        for group, metric in names
        if group == "healthy" and metric.startswith("fpr@healthy")
    ]
    return [*dice, *alarms]


def _grid(table: Table, fields: Sequence[Field]) -> Grid:
    rows = [tuple(Entry(field.text(row), row.label in field.best) for field in fields) for row in table.rows]
    if any(field.chance for field in fields[2:]):
        rows.insert(0, tuple(Entry(field.chance) for field in fields))
    return Grid(tuple(field.heading for field in fields), tuple(rows))


def _front() -> list[Field]:
    return [Field("rank", wording.rank_text), Field("method", lambda row: row.label, "prevalence")]


def _reported(table: Table) -> list[Field]:
    if not any(row.reported for row in table.rows):
        return []
    return [
        Field("reported AP", lambda row: wording.reported_text(row.reported, "ap")),
        Field("reported Dice", lambda row: wording.reported_text(row.reported, "dice")),
    ]


def _full(table: Table, column: Column) -> Field:
    """`0.146 ± 0.002 (6.5×)`, and what is missing in it."""
    floor = _floor(table, column)

    def text(row: Row) -> str:
        return wording.cell_text(row, row.cells.get(column.name), column.digits, floor)

    return Field(column.heading, text, _chance(floor), _best(table, column))


def _wide(table: Table, column: Column) -> list[Field]:
    """The same in two fields, the ratio to chance apart."""
    floor = _floor(table, column)

    def text(row: Row) -> str:
        return wording.cell_text(row, row.cells.get(column.name), column.digits, None)

    def ratio(row: Row) -> str:
        cell = row.cells.get(column.name)
        return f"{cell.mean / floor:.1f}" if floor and cell and cell.mean is not None else ""

    fields = [Field(column.heading, text, _chance(floor), _best(table, column)), Field("×", ratio, "1.0")]
    return fields if floor else fields[:1]


def _brief(table: Table, column: Column) -> Field:
    """`0.146`, starred where something is missing in it."""

    def text(row: Row) -> str:
        cell = row.cells.get(column.name)
        if cell is None or cell.mean is None:
            return wording.cell_text(row, cell, column.digits, None)
        return wording.spread(cell.mean, None, column.digits) + ("*" if wording.missing(row, cell) else "")

    return Field(column.heading, text, _chance(_floor(table, column)), _best(table, column))


def _floor(table: Table, column: Column) -> float | None:
    return table.prevalence(column.name[0], column.chance) if column.chance else None


def _chance(floor: float | None) -> str:
    return "" if floor is None else f"{floor:.4f}"


def _best(table: Table, column: Column) -> frozenset[str]:
    """The ranked rows with the best number at the printed digits; a ceiling honours nobody."""
    if ORACLE in column.name[1]:
        return frozenset()
    sign = -1 if column.lower_is_better else 1
    shown = {
        row.label: round(cell.mean, column.digits) * sign
        for row in table.rows
        if row.rank is not None and (cell := row.cells.get(column.name)) and cell.mean is not None
    }
    top = max(shown.values(), default=None)
    return frozenset(label for label, value in shown.items() if value == top)
