"""The columns of a grid that are no metric: ranks, names, seeds, differences, costs, what papers printed."""

from collections.abc import Callable

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.column import Field, Head
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table


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


def contrasts(table: Table) -> list[Field]:
    """The differences to the leader and to the baseline, where any row has one."""
    best = _contrast("Δ to best (Holm p)", "delta_best", lambda row: row.to_best)
    base = _contrast("Δ to baseline (Holm p)", "delta_baseline", lambda row: row.to_baseline)
    shown = [(best, [row.to_best for row in table.rows]), (base, [row.to_baseline for row in table.rows])]
    return [field for field, found in shown if any(found)]


def costs(table: Table) -> list[Field]:
    """Training time, seconds a volume, peak memory and parameters, where any row has them."""

    def column(heading: str, key: str, value: Callable[[Row], float | None]) -> list[Field]:
        field = Field(Head(heading, key, lower=True), lambda row: wording.figure(value(row)), value)
        return [field] if any(map(_there(value), table.rows)) else []

    size = Field(
        Head("parameters", "parameters", lower=True),
        lambda row: wording.count(row.cost.parameters),
        _parameters,
    )
    return [
        *column("training, s", "fit_s", lambda row: row.cost.fit_s),
        *column("s/volume", "score_s", lambda row: row.cost.score_s),
        *column("peak GiB", "peak_gib", lambda row: _gib(row.cost.peak_mib)),
        *column("GPU GiB", "gpu_gib", lambda row: _gib(row.cost.gpu_mib)),
        *([size] if any(map(_there(_parameters), table.rows)) else []),
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


def _n(row: Row, metric: str) -> float | None:
    cell = row.cells.get(("all", metric))
    return cell.n if cell else None


def _rank(row: Row) -> float | None:
    return row.rank


def _gib(mib: int | None) -> float | None:
    return mib / 1024 if mib else None


def _parameters(row: Row) -> float | None:
    return row.cost.parameters


def _there(value: Callable[[Row], float | None]) -> Callable[[Row], bool]:
    return lambda row: value(row) is not None
