"""Columns of a metric: its number in each row, long or short, beside what a random score would show."""

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.column import Field, Head, Text
from uad_bench.leaderboard.layout.columns import Column
from uad_bench.leaderboard.table import Row, Table


def full(table: Table, column: Column) -> Field:
    """`0.146 ± 0.002 (6.5×)`, and what is missing in it."""
    floor = _floor(table, column)

    def text(row: Row) -> str:
        cell = row.cells.get(column.name)
        said = wording.cell_text(row, cell, column.digits, floor)
        return said + wording.missing(row, cell, table.primary)

    return _field(table, column, text)


def primary(table: Table, column: Column) -> Field:
    """`0.146 ± 0.002 [0.120, 0.172] (6.5×)`."""
    floor = _floor(table, column)

    def text(row: Row) -> str:
        cell = row.cells.get(column.name)
        interval = "" if cell is None else wording.interval(cell.low, cell.high, column.digits)
        said = wording.cell_text(row, cell, column.digits, floor, interval)
        return said + wording.missing(row, cell, table.primary)

    return _field(table, column, text)


def apart(table: Table, column: Column) -> list[Field]:
    """The same in three fields: the number, its interval, the ratio to chance."""
    floor = _floor(table, column)

    def ratio(row: Row) -> str:
        cell = row.cells.get(column.name)
        return f"{cell.mean / floor:.1f}" if floor and cell and cell.mean is not None else ""

    def interval(row: Row) -> str:
        cell = row.cells.get(column.name)
        return wording.interval(cell.low, cell.high, column.digits) if cell else ""

    def text(row: Row) -> str:
        cell = row.cells.get(column.name)
        said = wording.cell_text(row, cell, column.digits, None)
        return said + ("*" if wording.missing(row, cell, table.primary) else "")

    made = [_field(table, column, text)]
    if any(interval(row) for row in table.rows):
        made.append(Field(Head("95 %", "interval"), interval))
    return [*made, Field(Head("×", "ratio"), ratio, chance="1.0", floor=1.0)] if floor else made


def brief(table: Table, column: Column) -> Field:
    """`0.146`, starred where something is missing in it."""

    def text(row: Row) -> str:
        cell = row.cells.get(column.name)
        if cell is None or cell.mean is None:
            return wording.cell_text(row, cell, column.digits, None)
        star = "*" if wording.missing(row, cell, table.primary) else ""
        return wording.spread(cell.mean, None, column.digits) + star

    return _field(table, column, text)


def _field(table: Table, column: Column, text: Text) -> Field:
    group, metric = column.name
    key = metric if group == "all" else f"{group}:{metric}"
    head = Head(column.heading, key, metric=True, oracle=column.oracle, lower=column.lower_is_better)
    floor = _floor(table, column)
    chance = "" if floor is None else f"{floor:.4f}"
    return Field(head, text, lambda row: _mean(row, column), chance, floor, _best(table, column))


def _floor(table: Table, column: Column) -> float | None:
    return table.prevalence(column.name[0], column.chance) if column.chance else None


def _best(table: Table, column: Column) -> frozenset[str]:
    """The ranked rows with the best number at the printed digits; a ceiling honours nobody."""
    if column.oracle:
        return frozenset()
    sign = -1 if column.lower_is_better else 1
    shown = {
        row.label: round(mean, column.digits) * sign
        for row in table.rows
        if row.rank is not None and (mean := _mean(row, column)) is not None
    }
    top = max(shown.values(), default=None)
    return frozenset(label for label, value in shown.items() if value == top)


def _mean(row: Row, column: Column) -> float | None:
    cell = row.cells.get(column.name)
    return cell.mean if cell else None
