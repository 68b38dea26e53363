"""Which cases the viewer shows: spread evenly from the worst to the best of the highest-ranked method with maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uad_bench.leaderboard.aggregate import runs_by_label
from uad_bench.leaderboard.comparability import belongs
from uad_bench.leaderboard.run_summary import RunSummary
from uad_bench.leaderboard.table import Row, Table
from uad_bench.results.run_directory import RunDir


@dataclass(frozen=True)
class ViewedRun:
    """The run that represents a row: that of the lowest seed and fold."""

    row: Row
    run: RunDir
    summary: RunSummary


def viewed_runs(table: Table, runs: Sequence[tuple[RunDir, RunSummary]]) -> list[ViewedRun]:
    """The rows of a table with results, each with one complete run, in the order of the table."""
    own = [one for _, one in runs if one.complete and belongs(one, table.key)]
    by_label = runs_by_label(own)
    directories = {id(summary): run for run, summary in runs}
    found = []
    for row in table.rows:
        if row.label in by_label:
            first = min(by_label[row.label], key=lambda one: (one.seed, one.fold or 0))
            found.append(ViewedRun(row, directories[id(first)], first))
    return found


def leading(runs: Sequence[ViewedRun], primary: str) -> ViewedRun:
    """The run of the highest-ranked of some rows, at least one.

    Rows without a rank follow: those of methods before controls; of these, rows that a table could rank
    before rows with a data leak or with missing seeds; then by the mean of the primary metric.
    """
    return max(runs, key=lambda one: _priority(one.row, primary))


def _priority(row: Row, primary: str) -> tuple[bool, int, bool, bool, float]:
    mean = row.mean(("all", primary))
    could_be_ranked = row.complete and not row.leaky
    value = -np.inf if mean is None else mean
    return row.rank is not None, -(row.rank or 0), not row.null, could_be_ranked, value


def reason(row: Row) -> str:
    """Why a row is the one that cases are chosen by, as the page says it after the label of the row."""
    if row.rank is not None:
        return "the highest-ranked method with stored maps"
    kind = "a control" if row.null else "a method without a rank"
    return f"{kind}, since no ranked method has stored maps"


def spread_cases(row: Row, count: int) -> list[tuple[str, str]]:
    """Up to `count` cases of a row with a value, (case id, place), from the worst to the best.

    Three are the worst, the median and the best case; one is the median.
    """
    known = sorted((value, case) for case, value in row.values.items() if value is not None)
    # A half is rounded up, so that the place in the middle is that of the median.
    places = np.floor(np.linspace(0, len(known) - 1, min(count, len(known))) + 0.5).astype(int)
    if count == 1 and known:
        places = np.array([len(known) // 2])
    names = {0: "worst", len(known) // 2: "median", len(known) - 1: "best"}
    return [
        (known[place][1], names.get(int(place), f"{place + 1} of {len(known)} from the worst"))
        for place in places
    ]
