"""What a reader has to know before trusting the statistics of a table."""

from collections.abc import Iterator, Mapping

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import SEEDS_TO_RANK
from uad_bench.leaderboard.statistics.evidence import Evidence, case_form, is_mean, subjects_of
from uad_bench.leaderboard.table import Row, Table


def cautions(table: Table, evidence: Mapping[str, Evidence]) -> Iterator[str]:
    """Lines on few seeds, on subjects with several cases, on folds, and on draws that are lacking."""
    yield from _seeds(table, evidence)
    yield from _subjects(evidence)
    for row in table.rows:
        if row.folds and row.done:
            yield f"{row.label}: {_folds(row, evidence[row.label])}"
    ranked = [row for row in table.rows if row.rank is not None]
    lacking = [r.label for r in ranked if evidence[r.label].pooled(("all", table.primary)) is None]
    if lacking and not is_mean(table.primary):
        instead = case_form(table.primary) if table.critical else "nothing, so that no rank has an interval"
        yield f"no draws of {table.primary} in {', '.join(lacking)}: ranks are resampled by {instead}"


def _seeds(table: Table, evidence: Mapping[str, Evidence]) -> Iterator[str]:
    few = [f"{row.label} ({row.done})" for row in table.rows if wording.few(row)]
    if few:
        yield f"ranked from fewer than {SEEDS_TO_RANK} seeds, others may change the rank: {', '.join(few)}"
    drawn = [row.label for row in table.rows if row.done and not row.deterministic]
    one = [label for label in drawn if evidence[label].replicates == 1]
    if one:
        yield f"one seed, so that its interval is over patients only: {', '.join(one)}"


def _subjects(evidence: Mapping[str, Evidence]) -> Iterator[str]:
    known = subjects_of(evidence)
    cases = next((run.groups["all"] for one in evidence.values() for run in one.runs if run.groups), known)
    people = {known.get(case, case) for case in cases}
    if len(people) < len(cases):
        yield (
            f"{len(cases)} cases of {len(people)} subjects: by case, intervals and tests put a subject's cases "
            "together; for pooled metrics, intervals and ranks take cases as independent"
        )


def _folds(row: Row, evidence: Evidence) -> str:
    """How many folds and runs a row has, and what its interval is over."""
    folds = len(set(evidence.folds))
    runs = "" if row.done == folds else f", {row.done} runs"
    said = f"{folds} fold{'' if folds == 1 else 's'}{runs}"
    if folds > 1:
        return f"{said}; the interval is over folds and patients, ± over seeds within a fold"
    over = "seeds and patients" if evidence.replicates > 1 else "patients only"
    return f"{said}; the interval is over {over}, and says nothing about other folds"
