"""What a reader has to know before trusting the statistics of a table."""

from collections.abc import Iterator, Mapping

from uad_bench.board.evidence import Evidence, case_form, is_mean
from uad_bench.board.summary import SEEDS_TO_RANK, Row, Table


def cautions(table: Table, evidence: Mapping[str, Evidence]) -> Iterator[str]:
    """What a reader has to know before trusting the statistics of this table."""
    drawn = [row for row in table.rows if row.done and not row.deterministic]
    few = [
        f"{r.label} ({r.done})"
        for r in drawn
        if r.rank is not None and not r.folds and r.done < SEEDS_TO_RANK
    ]
    if few:
        yield f"ranked from fewer than {SEEDS_TO_RANK} seeds, others may change the rank: {', '.join(few)}"
    one = [row.label for row in drawn if row.done == 1]
    if one:
        yield f"one seed, so that its interval is over patients only: {', '.join(one)}"
    for row in table.rows:
        if row.folds:
            yield f"{row.label}: {_folds(row)}; the interval is over folds and patients, ± over seeds within a fold"
    ranked = [row for row in table.rows if row.rank is not None]
    lacking = [r.label for r in ranked if evidence[r.label].pooled(("all", table.primary)) is None]
    if lacking and not is_mean(table.primary):
        instead = case_form(table.primary) if table.critical else "nothing, so that no rank has an interval"
        yield f"no draws of {table.primary} in {', '.join(lacking)}: ranks are resampled by {instead}"


def _folds(row: Row) -> str:
    seeds = "" if row.done == row.folds else f", {row.done} runs"
    return f"{row.folds} fold{'s' if row.folds > 1 else ''}{seeds}"
