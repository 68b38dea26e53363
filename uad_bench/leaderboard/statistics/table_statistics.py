"""Adds the statistics to a table of means: confidence intervals, paired differences, uncertainty of the ranks.

docs/statistics.md explains each of them. They are functions of the runs alone: the same runs give the same table, in
any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.leaderboard.statistic_types import Contrast, RankStatistics
from uad_bench.leaderboard.statistics import ranking
from uad_bench.leaderboard.statistics.clusters import subject_indices, subject_means
from uad_bench.leaderboard.statistics.compact_letters import compact_letters
from uad_bench.leaderboard.statistics.critical_difference import critical_difference
from uad_bench.leaderboard.statistics.multiple_comparisons import significant_pairs
from uad_bench.leaderboard.statistics.paired_differences import paired_differences
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means
from uad_bench.leaderboard.statistics.row_data import RowData, case_ids, per_case_metric, subject_by_case
from uad_bench.leaderboard.statistics.table_intervals import add_intervals
from uad_bench.leaderboard.statistics.variance_components import Floats
from uad_bench.leaderboard.statistics.warnings import table_warnings
from uad_bench.leaderboard.table import Row, Table


def add_statistics(table: Table, data: Mapping[str, RowData]) -> Table:
    """The table with every statistic that the data of its rows (by label) allows."""
    rows = add_intervals(table, data)
    ranked = [row for row in rows if row.rank is not None]
    metric = per_case_metric(table.primary)
    ids, by_case = _primary_by_case(metric, data)
    subject = subject_indices(ids, subject_by_case(data))
    by_subject = {label: subject_means(one, subject) for label, one in by_case.items()}
    averaged = _averaged([by_subject[row.label] for row in ranked] if ids else [])
    rank_statistics, tau = _rank_statistics(table, ranked, data, averaged)
    to_best = _contrasts(table, ranked, ranked[:1], by_subject, metric)
    to_baseline = _contrasts(table, ranked, _baseline(rows), by_subject, metric)
    critical = None
    if averaged.size:
        labels = [row.label for row in ranked]
        critical = critical_difference(averaged, labels, metric, table.scheme.alpha)
    rows = [
        replace(
            row,
            rank_statistics=rank_statistics.get(row.label),
            to_best=to_best.get(row.label),
            to_baseline=to_baseline.get(row.label),
            values=_values_by_case(ids, by_case.get(row.label)),
        )
        for row in rows
    ]
    done = replace(table, rows=rows, tau=tau, critical=critical)
    return replace(done, warnings=tuple(table_warnings(done, data)))


def _primary_by_case(metric: str, data: Mapping[str, RowData]) -> tuple[Sequence[str], dict[str, Floats]]:
    """Ids of the test cases, and the metric of each case by label; empty where a row's mean is over other cases."""
    done = {label: one for label, one in data.items() if one.runs}
    ids = case_ids(data, metric, "all")
    if not ids or not all(one.mean_is_over("all", metric, ids) for one in done.values()):
        return [], {}
    return ids, {label: one.case_values(metric, ids) for label, one in done.items()}


def _averaged(values: Sequence[Floats]) -> Floats:
    """(rows, subjects), averaged over replicates; an empty array without any row or value."""
    averaged = np.array([one.mean(0) for one in values])
    return np.zeros((0, 0)) if np.isnan(averaged).all() else averaged


def _values_by_case(ids: Sequence[str], values: Floats | None) -> dict[str, float | None]:
    """Values (replicates, cases) by case id, averaged over replicates; None where one of them is undefined."""
    if values is None:
        return {}
    return {i: None if np.isnan(x) else x for i, x in zip(ids, values.mean(0).tolist(), strict=True)}


def _baseline(rows: Sequence[Row]) -> list[Row]:
    """The reference row: the best ranked of the methods declared as baselines; never one with a data leak."""
    candidates = [row for row in rows if row.baseline and row.done and not row.leaky]
    return sorted(candidates, key=lambda row: (row.rank is None, row.rank or 0, row.label))[:1]


def _contrasts(
    table: Table, rows: Sequence[Row], reference: Sequence[Row], values: Mapping[str, Floats], metric: str
) -> dict[str, Contrast]:
    """Paired difference of each row to the one in `reference`, by label; without that row itself."""
    if not reference or not values:
        return {}
    label = reference[0].label
    compared = [row.label for row in rows if row.label != label]
    if not compared:
        return {}
    found = paired_differences([values[one] for one in compared], values[label], label, metric, table.scheme)
    return dict(zip(compared, found, strict=True))


def _rank_statistics(
    table: Table, ranked: Sequence[Row], data: Mapping[str, RowData], averaged: Floats
) -> tuple[dict[str, RankStatistics], float | None]:
    """Rank statistics by label, and Kendall's tau-b to the rankings of the resamples."""
    scores = _resampled_scores(table, ranked, data, averaged)
    if scores is None:
        return {}, None
    resampled = ranking.ranks(scores)
    low, high, first = ranking.rank_intervals(resampled, table.scheme.alpha)
    letters, by_case = [""] * len(ranked), None
    if averaged.size:
        letters = compact_letters(significant_pairs(averaged, table.scheme))
        by_case = ranking.rank_then_aggregate(averaged)
    found = {
        row.label: RankStatistics(
            int(low[i]),
            int(high[i]),
            float(first[i]),
            letters[i],
            None if by_case is None else int(by_case[i]),
        )
        for i, row in enumerate(ranked)
    }
    return found, ranking.kendall_tau(np.array([row.rank for row in ranked], np.int32), resampled)


def _resampled_scores(
    table: Table, ranked: Sequence[Row], data: Mapping[str, RowData], averaged: Floats
) -> Floats | None:
    """Primary metric of the ranked rows under patient resamples, (rows, B).

    From stored draws where all rows have them, otherwise from the per-case form of the metric; None without either.
    """
    if not ranked:
        return None
    pooled = [data[row.label].pooled_metric(("all", table.primary)) for row in ranked]
    drawn = [metric.draws.mean(0) for metric in pooled if metric is not None]
    if len(drawn) == len(ranked) and len({len(one) for one in drawn}) == 1:
        return np.array(drawn)
    return bootstrap_means(averaged, table.scheme.draws) if averaged.size else None
