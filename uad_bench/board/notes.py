"""Under a table: what each mark in it means, what failed, where reported numbers come from. Nothing is escaped yet."""

from collections.abc import Iterator

from uad_bench.board import wording
from uad_bench.board.summary import ORACLE, Row, Table


def notes(table: Table) -> list[str]:
    """How to read the marks that the table has, then `troubles`, then sources."""
    return [*reading(table), *troubles(table), *sources(table)]


def reading(table: Table) -> list[str]:
    """What each mark means that the table has."""
    return [*_numbers(table), *_ranks(table), *_rows(table)]


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
    if any(0 < cell.seeds < wording.SEEDS_FOR_DEVIATION for cell in cells):
        yield (
            f"fewer than {wording.SEEDS_FOR_DEVIATION} seeds have no deviation; n=1: one seed, whose number "
            "says nothing about other seeds"
        )
    if any(cell.low is not None for cell in cells):
        yield "[a, b] 95 % interval of the primary metric, over seeds and patients together"
    if any(cell.undefined for cell in cells):
        yield "undefined: the metric has no value for so many cases, which are not in its mean"
    if any(ORACLE in metric for row in table.rows for _, metric in row.cells):
        yield f"{wording.DAGGER} oracle: looks at the test labels; a ceiling, not a result, and never ranks"
    if any(metric.startswith("ap_gain") for row in table.rows for _, metric in row.cells):
        yield "AP gain: (AP − prevalence) / (1 − prevalence); 0 for a random score, 1 for a perfect one"


def _ranks(table: Table) -> Iterator[str]:
    rows = table.rows
    if any(row.standing for row in rows):
        yield "rank [a–b]: 95 % interval of the rank over bootstraps of the patients"
    if any(row.standing and row.standing.letters for row in rows):
        yield "group: rows that share a letter are not told apart by any test, at 5 % after Holm's correction"
    if any(wording.few(row) for row in rows):
        yield f"{wording.FEW} the rank rests on fewer than {wording.SEEDS_FOR_RANK} seeds, and may not last"
    for what, others in (
        ("best", dict.fromkeys(row.to_best.other for row in rows if row.to_best)),
        ("baseline", dict.fromkeys(row.to_baseline.other for row in rows if row.to_baseline)),
    ):
        if others:
            yield (
                f"Δ to {what} ({', '.join(others)}): mean difference in {table.primary} on the same patients, "
                "seeds averaged first; p: sign-flip permutation test after Holm's correction over the table"
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
        yield "s/volume: seconds to score a scan; parameters: of the networks; both as the runs recorded them"


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
