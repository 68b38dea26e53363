"""What the page says of a table before any volume is loaded: its methods and cases, and why a table cannot be shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from uad_bench.cohort.cohort import Member
from uad_bench.errors import DataError
from uad_bench.evaluate import postprocess
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.statistics.row_data import per_case_metric
from uad_bench.leaderboard.table import Table
from uad_bench.viewer.selection import ViewedRun, leading, reason, spread_cases

#: The code of an error that says why a table is not in the viewer.
NOT_SHOWN = "UB346"


def chosen_cases(
    table: Table, runs: Sequence[ViewedRun], shown: Sequence[ViewedRun], count: int
) -> dict[str, str]:
    """The place of each chosen case by its id, from the worst to the best. runs: those with results; shown: with maps.

    Raises DataError where the table has no case that could be shown (UB346).
    """
    where = printable(wording.title(table))
    if not runs:
        hint = "run its methods again; the table lists what failed"
        raise DataError("the table has no complete run", where=where, hint=hint, code=NOT_SHOWN)
    if not shown:
        hint = "run its methods again with --keep-maps all"
        raise DataError("no run of the table has stored maps", where=where, hint=hint, code=NOT_SHOWN)
    row, metric = leading(shown, table.primary).row, per_case_metric(table.primary)
    cases = dict(spread_cases(row, count))
    if not cases:
        what = f"no case of the table has a value of {metric} for {row.label}"
        hint = "the viewer needs test cases with lesions"
        raise DataError(what, where=where, hint=hint, code=NOT_SHOWN)
    return cases


def table_facts(
    table: Table, runs: Sequence[ViewedRun], members: Sequence[Member], chosen: Mapping[str, str]
) -> dict[str, Any]:
    """What the page says of a table. runs: those with maps, at least one; chosen: see `chosen_cases`.

    leader: the number of the method by which cases were chosen; metric: that of the values of a case; after: steps that
    change a thresholded map. Texts are printable: no character in them is hidden or changes the direction of others.
    """
    first = leading(runs, table.primary)
    steps = postprocess.split(postprocess.parse(runs[0].run.spec().protocol.postprocess))[1]
    return {
        "title": printable(wording.title(table)),
        "metric": printable(per_case_metric(table.primary)),
        "leader": [one is first for one in runs].index(True),
        "reason": reason(first.row),
        "methods": [_method(viewed) for viewed in runs],
        "cases": [
            _case(n, member.case.case_id, chosen[member.case.case_id], runs)
            for n, member in enumerate(members)
        ],
        "after": [printable(step.step) for step in steps],
    }


def _method(viewed: ViewedRun) -> dict[str, Any]:
    fold = "" if viewed.summary.fold is None else f", fold {viewed.summary.fold}"
    return {
        "label": printable(viewed.row.label),
        "detail": printable(f"seed {viewed.summary.seed}{fold}"),
        "control": viewed.row.null,
    }


def _case(n: int, case_id: str, place: str, runs: Sequence[ViewedRun]) -> dict[str, Any]:
    values = [viewed.row.values.get(case_id) for viewed in runs]
    return {"id": printable(case_id), "n": n, "place": place, "values": values}
