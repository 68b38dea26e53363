"""Columns of a table as people read it, and those that show no metric: rank, method, differences, cost, reported."""

from collections.abc import Callable
from dataclasses import dataclass

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table

Text = Callable[[Row], str]
Value = Callable[[Row], float | None]


@dataclass(frozen=True)
class Heading:
    """The heading of a column. key: the name it is sorted and filtered by ("ap.case", "rank").

    metric: the column shows a metric; oracle: the metric uses the test labels; lower: lower values are better.
    """

    text: str
    key: str
    metric: bool = False
    oracle: bool = False
    lower: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its heading, the text of a row and the value it is sorted by.

    chance_text, chance: what the row "prevalence" shows, the expected value of random scores; best: labels of the
    ranked rows with the best value.
    """

    heading: Heading
    text: Text
    value: Value | None = None
    chance_text: str = ""
    chance: float | None = None
    best: frozenset[str] = frozenset()


def rank_columns(table: Table) -> list[Column]:
    """The rank with its interval, and the compact letter display."""
    found = [Column(Heading("rank", "rank", lower=True), wording.rank_text, _rank)]
    if any(row.rank_statistics and row.rank_statistics.letters for row in table.rows):
        found.append(Column(Heading("group", "group"), _letters))
    return found


def bare_rank_column() -> Column:
    """The rank without its interval."""
    heading = Heading("rank", "rank", lower=True)
    return Column(heading, lambda row: wording.rank_text(row, bare=True), _rank)


def method_column() -> Column:
    """The label of the method."""
    return Column(Heading("method", "method"), lambda row: row.label, chance_text="prevalence")


def method_columns(table: Table, *, brief: bool = False) -> list[Column]:
    """Method, number of seeds and number of cases."""

    def cases(row: Row) -> str:
        return wording.cases_text(table, row, brief=brief)

    def n(row: Row) -> float | None:
        cell = row.cells.get(("all", table.primary))
        return cell.n if cell else None

    return [
        method_column(),
        Column(Heading("seeds", "seeds"), wording.seeds_text, lambda row: row.done),
        Column(Heading("cases", "cases"), cases, n),
    ]


def track_column() -> Column:
    """What the method learns from; a control is in no track."""
    return Column(Heading("track", "track"), lambda row: wording.NOTHING if row.null else row.track)


def contrast_columns(table: Table, *, brief: bool = False) -> list[Column]:
    """Paired differences to the best row, the strongest reference row and the baseline, where any row has one.

    The baseline has no column where it is the strongest reference row. brief: without the intervals.
    """
    found: list[tuple[str, str, Callable[[Row], Contrast | None]]] = [
        ("best", "delta_best", lambda row: row.to_best),
        ("reference", "delta_reference", lambda row: row.to_reference),
        ("baseline", "delta_baseline", lambda row: row.to_baseline),
    ]
    if _others(table, found[2][2]) <= _others(table, found[1][2]):
        del found[2]
    after = "(Holm p)" if brief else f"[{wording.POINTWISE} {wording.percent(table)}], Holm p"
    return [
        _contrast_column(table, Heading(f"Δ to {what} {after}", key), contrast, brief=brief)
        for what, key, contrast in found
        if _others(table, contrast)
    ]


def _others(table: Table, contrast: Callable[[Row], Contrast | None]) -> set[str]:
    """The rows that the rows of a table are compared with."""
    return {found.other for row in table.rows if (found := contrast(row))}


def _contrast_column(
    table: Table, heading: Heading, contrast: Callable[[Row], Contrast | None], *, brief: bool
) -> Column:
    def value(row: Row) -> float | None:
        found = contrast(row)
        return found.difference if found else None

    text = wording.brief_contrast_text if brief else wording.contrast_text
    return Column(heading, lambda row: text(contrast(row), table.scheme.alpha), value)


def cost_columns(table: Table) -> list[Column]:
    """Training time, scoring time per volume, peak memory and number of parameters, where any row has them."""
    figures: list[tuple[str, str, Value]] = [
        ("training, s", "fit_s", lambda row: row.cost.fit_s),
        ("s/volume", "score_s", lambda row: row.cost.score_s),
        ("peak GiB", "peak_gib", lambda row: _gib(row.cost.peak_mib)),
        ("GPU GiB", "gpu_gib", lambda row: _gib(row.cost.gpu_mib)),
    ]
    found = [_cost_column(heading, key, value) for heading, key, value in figures]
    heading = Heading("parameters", "parameters", lower=True)
    found.append(Column(heading, lambda row: wording.count(row.cost.parameters), _parameters))
    return [c for c in found if c.value and any(c.value(row) is not None for row in table.rows)]


def _cost_column(heading: str, key: str, value: Value) -> Column:
    return Column(Heading(heading, key, lower=True), lambda row: wording.figure(value(row)), value)


def reported_columns(table: Table) -> list[Column]:
    """Where the results of a row come from, and those reported in papers; empty where there are no reported results."""
    if not any(row.reported for row in table.rows):
        return []
    return [
        Column(Heading("provenance", "provenance"), wording.provenance_text),
        Column(Heading("reported AP", "reported_ap"), lambda row: wording.reported_text(row.reported, "ap")),
        Column(
            Heading("reported Dice", "reported_dice"), lambda row: wording.reported_text(row.reported, "dice")
        ),
    ]


def _rank(row: Row) -> float | None:
    return row.rank


def _letters(row: Row) -> str:
    return row.rank_statistics.letters if row.rank_statistics else ""


def _parameters(row: Row) -> float | None:
    return row.cost.parameters


def _gib(mib: int | None) -> float | None:
    return mib / 1024 if mib else None
