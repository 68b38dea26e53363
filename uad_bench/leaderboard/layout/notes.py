"""Under a table: what each mark in it means, what failed, where reported numbers come from. Nothing is escaped yet."""

from collections.abc import Iterator, Sequence

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import ORACLE, SEEDS_FOR_SPREAD, SEEDS_TO_RANK
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table


def notes(table: Table) -> list[str]:
    """How to read the marks that the table has, then `troubles`, then sources."""
    return [*reading(table), *troubles(table), *sources(table)]


def reading(table: Table) -> list[str]:
    """What each mark means that the table has."""
    return [*_numbers(table), *_ranks(table), *_contrasts(table), *_rows(table), *table.cautions]


def troubles(table: Table) -> list[str]:
    """What has no number, and what a row carries for good."""
    said = [f"without a number: {failure}" for row in table.rows for failure in row.failures]
    marks = dict.fromkeys(mark for row in table.rows for mark in row.marks)
    said += [f"marked for good: {mark}" for mark in marks]
    if any(row.leaky for row in table.rows):
        said.append("leak: test and training are not apart; not a result, and never ranked")
    return said


def _numbers(table: Table) -> Iterator[str]:
    yield "± sample standard deviation over seeds; × ratio to the prevalence, which a random score reaches"
    cells = [cell for row in table.rows for cell in row.cells.values()]
    if any(0 < cell.seeds < SEEDS_FOR_SPREAD for cell in cells):
        yield (
            f"fewer than {SEEDS_FOR_SPREAD} seeds have no deviation; n=1: one seed, whose number "
            "says nothing about other seeds"
        )
    if any(cell.low is not None for cell in cells):
        yield f"[a, b] {_percent(table)} interval of the primary metric: {table.scheme.interval}"
        if table.strata:
            yield "groups of cases by site, sex and the like are small and overlap: they have no interval"
    if any(cell.undefined for cell in cells):
        yield "undefined: the metric has no value for so many cases, which are not in its mean"
    if any(ORACLE in name[1] or cell.oracle for row in table.rows for name, cell in row.cells.items()):
        yield f"{wording.DAGGER} oracle: looks at the test labels; a ceiling, not a result, and never ranks"
    if any(metric.startswith("ap_gain") for row in table.rows for _, metric in row.cells):
        yield "AP gain: (AP − prevalence) / (1 − prevalence); 0 for a random score, 1 for a perfect one"


def _ranks(table: Table) -> Iterator[str]:
    rows, scheme = table.rows, table.scheme
    if any(row.standing for row in rows):
        yield (
            f"rank [a–b]: {_percent(table)} interval of the rank over {scheme.draws} resamples of the patients "
            f"(seed {scheme.seed})"
        )
    if table.tau is not None:
        yield f"Kendall's tau between this ranking and those of the resamples: mean {table.tau:.2f}; 1 is the same"
    if any(row.standing and row.standing.letters for row in rows):
        yield (
            f"group: rows that share a letter are not told apart ({scheme.test} test, alpha {scheme.alpha:g} after "
            f"{scheme.correction}'s correction)"
        )
    if any(wording.few(row) for row in rows):
        yield f"{wording.FEW} the rank rests on fewer than {SEEDS_TO_RANK} seeds, and may not last"
    yield from _second_opinion(rows)


def _second_opinion(rows: Sequence[Row]) -> Iterator[str]:
    other = [
        f"{row.label} {row.standing.by_case}"
        for row in rows
        if row.standing and row.standing.by_case not in {None, row.rank}
    ]
    if other:
        yield f"ranks that are others by the mean of the ranks on each patient: {', '.join(other)}"


def _percent(table: Table) -> str:
    return f"{100 * (1 - table.scheme.alpha):g} %"


def _contrasts(table: Table) -> Iterator[str]:
    yield from _contrast(table, "best", [row.to_best for row in table.rows if row.to_best])
    yield from _contrast(table, "baseline", [row.to_baseline for row in table.rows if row.to_baseline])


def _contrast(table: Table, what: str, found: Sequence[Contrast]) -> Iterator[str]:
    if found:
        others, metrics = (
            ", ".join(dict.fromkeys(names)) for names in zip(*(c[:2] for c in found), strict=True)
        )
        yield (
            f"Δ to {what} ({others}): mean difference in {metrics} on the same patients, seeds averaged first; "
            f"p: {table.scheme.test} test, after {table.scheme.correction}'s correction over the table"
        )


def _rows(table: Table) -> Iterator[str]:
    if any(row.null for row in table.rows):
        yield "null: a floor or plain baseline that every method has to beat; not ranked"
    if any(not row.null and row.rank is None and not row.leaky for row in table.rows):
        yield f"rank {wording.NOTHING}: not every seed that was begun has the primary metric; not ranked"
    if any(row.deterministic for row in table.rows):
        yield "deterministic (det.): nothing is drawn at random, so there is no deviation over seeds"
    if any(row.folds for row in table.rows):
        yield "folds are other training cases, seeds other random numbers: neither stands for the other"
    if any(map(_costs, table.rows)):
        yield (
            "training, s: seconds of wall clock; s/volume: to score a scan; peak GiB: largest resident size of the "
            "process, that of the harness included; parameters: of the networks; all as the runs recorded them"
        )


def _costs(row: Row) -> bool:
    return row.cost.score_s is not None or row.cost.parameters is not None


def sources(table: Table) -> Iterator[str]:
    """Where reported numbers come from."""
    found = dict.fromkeys(paper.source for row in table.rows for paper in row.reported)
    if found:
        yield (
            "reported: as printed, under another protocol (cases, preparation, thresholds), not ranked; "
            f"source: {'; '.join(found)}"
        )
