"""The intervals of the numbers in a table, from the cases or the draws that are behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.leaderboard.run_summary import Name
from uad_bench.leaderboard.statistics.clusters import influence, places
from uad_bench.leaderboard.statistics.evidence import Evidence, case_form, case_ids, is_mean, subjects_of
from uad_bench.leaderboard.statistics.intervals import Floats, Parts, half_width, of_cases, of_draws, stacks
from uad_bench.leaderboard.table import Cell, Row, Table

#: By label: half the interval, and whether every value behind it lies between 0 and 1.
Halves = dict[str, tuple[float, bool]]


def with_intervals(table: Table, evidence: Mapping[str, Evidence]) -> list[Row]:
    names = sorted({name for row in table.rows for name in row.cells})
    halves = {name: _halves(name, evidence, table.scheme.alpha) for name in names}
    return [
        replace(
            row, cells={name: _cell(cell, halves[name].get(row.label)) for name, cell in row.cells.items()}
        )
        for row in table.rows
    ]


def _cell(cell: Cell, half: tuple[float, bool] | None) -> Cell:
    if half is None or cell.mean is None or np.isnan(half[0]):
        return cell
    low, high = cell.mean - half[0], cell.mean + half[0]
    # Where no value leaves [0, 1] the mean cannot either.
    return cell._replace(low=max(low, 0.0) if half[1] else low, high=min(high, 1.0) if half[1] else high)


def _halves(name: Name, evidence: Mapping[str, Evidence], alpha: float) -> Halves:
    return (
        _halves_of_means(name, evidence, alpha)
        if is_mean(name[1])
        else _halves_of_pools(name, evidence, alpha)
    )


def _halves_of_means(name: Name, evidence: Mapping[str, Evidence], alpha: float) -> Halves:
    metric = case_form(name[1])
    ids = case_ids(evidence, metric, name[0])
    shown = [label for label, one in evidence.items() if ids and one.runs and one.whole(name[0], metric, ids)]
    which, found = places(ids, subjects_of(evidence)), Halves()
    by_case = [evidence[label].cases(metric, ids) for label in shown]
    for rows, values in stacks([influence(one, which) for one in by_case]):
        known = np.asarray(~np.isnan(values).any(1))
        behind = np.stack([by_case[i] for i in rows])
        found |= _by_label([shown[i] for i in rows], of_cases(values, known), behind, alpha)
    return found


def _halves_of_pools(name: Name, evidence: Mapping[str, Evidence], alpha: float) -> Halves:
    pools = {label: pool for label, one in evidence.items() if (pool := one.pooled(name))}
    shown, found = list(pools), Halves()
    for rows, draws in stacks([pools[label].draws for label in shown]):
        here = [pools[shown[i]] for i in rows]
        n = np.array([pool.n for pool in here], np.float64)
        parts = of_draws(np.array([pool.values for pool in here]), draws, n)
        found |= _by_label([shown[i] for i in rows], parts, draws, alpha)
    return found


def _by_label(labels: Sequence[str], parts: Parts, values: Floats, alpha: float) -> Halves:
    half = half_width(parts, alpha)
    inside = np.asarray(~((values < 0) | (values > 1)).any((1, 2)))
    return {label: (float(half[i]), bool(inside[i])) for i, label in enumerate(labels)}
