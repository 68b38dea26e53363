"""Which cases the viewer shows: spread evenly from the worst to the best of the method that leads a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uad_bench.leaderboard.aggregate import runs_by_label
from uad_bench.leaderboard.comparability import table_key
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
    own = [one for _, one in runs if one.complete and table.key in [table_key(one, t) for t in one.results]]
    by_label = runs_by_label(own)
    directories = {id(summary): run for run, summary in runs}
    found = []
    for row in table.rows:
        if row.label in by_label:
            first = min(by_label[row.label], key=lambda one: (one.seed, one.fold or 0))
            found.append(ViewedRun(row, directories[id(first)], first))
    return found


def leading(runs: Sequence[ViewedRun], primary: str) -> ViewedRun:
    """The run of the method with the highest mean; of an uninformative control only where there is nothing else."""
    name = ("all", primary)
    return max(runs, key=lambda one: (not one.row.null, _or_lowest(one.row.mean(name))))


def _or_lowest(value: float | None) -> float:
    return -np.inf if value is None else value


def spread_cases(row: Row, count: int) -> list[tuple[str, str]]:
    """Up to `count` cases of a row with a value, (case id, place), from the worst to the best.

    Three are the worst, the median and the best case; one is the median.
    """
    known = sorted((value, case) for case, value in row.values.items() if value is not None)
    places = np.linspace(0, len(known) - 1, min(count, len(known))).round().astype(int)
    if count == 1 and known:
        places = np.array([len(known) // 2])
    names = {0: "worst", len(known) // 2: "median", len(known) - 1: "best"}
    return [(known[place][1], names.get(int(place), f"{place + 1} of {len(known)}")) for place in places]
