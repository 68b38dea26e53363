"""The columns of a grid as words: what each row shows, what it is sorted by, and what a random score would show."""

from collections.abc import Callable
from dataclasses import dataclass

from uad_bench.board import wording
from uad_bench.board.columns import Column
from uad_bench.board.summary import Contrast, Row, Table

Text = Callable[[Row], str]


@dataclass(frozen=True)
class Head:
    """The head of a column. key: the name it is sorted and filtered by ("ap.case", "rank").

    metric: it is a number of the engine; oracle: it looks at the test labels; lower: lower is better.
    """

    text: str
    key: str
    metric: bool = False
    oracle: bool = False
    lower: bool = False


@dataclass(frozen=True)
class Field:
    """A column: its head, the text of a row, its number, the text and number of a random score, the best rows."""

    head: Head
    text: Text
    value: Callable[[Row], float | None] | None = None
    chance: str = ""
    floor: float | None = None
    best: frozenset[str] = frozenset()


def rank(table: Table) -> list[Field]:
    """The rank with its interval, and the group of rows that no test tells apart."""
    head = Head("rank", "rank", lower=True)
    ranks = [Field(head, wording.rank_text, _rank)]
    if any(row.standing and row.standing.letters for row in table.rows):
        ranks.append(Field(Head("group", "group"), lambda row: row.standing.letters if row.standing else ""))
    return ranks


def bare_rank() -> Field:
    """The rank alone."""
    return Field(Head("rank", "rank", lower=True), lambda row: wording.rank_text(row, bare=True), _rank)


def method() -> Field:
    """The method's name, which a random score has too."""
    return Field(Head("method", "method"), lambda row: row.label, chance="prevalence")


def front(table: Table, *, brief: bool = False) -> list[Field]:
    """Method, seeds and cases."""

    def cases(row: Row) -> str:
        return wording.cases_text(table, row, brief=brief)

    return [
        method(),
        Field(Head("seeds", "seeds"), wording.seeds_text, lambda row: row.done),
        Field(Head("cases", "cases"), cases, lambda row: _n(row, table.primary)),
    ]


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


def contrasts(table: Table) -> list[Field]:
    """The differences to the leader and to the baseline, where any row has one."""
    best = _contrast("Δ to best (Holm p)", "delta_best", lambda row: row.to_best)
    base = _contrast("Δ to baseline (Holm p)", "delta_baseline", lambda row: row.to_baseline)
    shown = [(best, [row.to_best for row in table.rows]), (base, [row.to_baseline for row in table.rows])]
    return [field for field, found in shown if any(found)]


def costs(table: Table) -> list[Field]:
    """Seconds a volume and parameters, where any row has them."""
    seconds = Field(
        Head("s/volume", "score_s", lower=True), lambda row: wording.figure(row.cost.score_s), _seconds
    )
    size = Field(
        Head("parameters", "parameters", lower=True),
        lambda row: wording.count(row.cost.parameters),
        _parameters,
    )
    return [
        f for f, value in ((seconds, _seconds), (size, _parameters)) if any(map(_there(value), table.rows))
    ]


def reported(table: Table) -> list[Field]:
    """Where the numbers of a row come from, and what papers printed; nothing where they printed nothing."""
    if not any(row.reported for row in table.rows):
        return []
    return [
        Field(Head("provenance", "provenance"), wording.provenance_text),
        Field(Head("reported AP", "reported_ap"), lambda row: wording.reported_text(row.reported, "ap")),
        Field(
            Head("reported Dice", "reported_dice"), lambda row: wording.reported_text(row.reported, "dice")
        ),
    ]


def _contrast(heading: str, key: str, of: Callable[[Row], Contrast | None]) -> Field:
    def value(row: Row) -> float | None:
        found = of(row)
        return found.difference if found else None

    return Field(Head(heading, key), lambda row: wording.contrast_text(of(row)), value)


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


def _n(row: Row, metric: str) -> float | None:
    cell = row.cells.get(("all", metric))
    return cell.n if cell else None


def _rank(row: Row) -> float | None:
    return row.rank


def _seconds(row: Row) -> float | None:
    return row.cost.score_s


def _parameters(row: Row) -> float | None:
    return row.cost.parameters


def _there(value: Callable[[Row], float | None]) -> Callable[[Row], bool]:
    return lambda row: value(row) is not None
