"""Adds the statistics to a table of means: confidence intervals, paired differences, uncertainty of the ranks.

docs/statistics.md explains each of them. They are functions of the runs alone: the same runs give the same table, in
any order. A table of fewer than `Scheme.patients` patients has values only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from uad_bench.leaderboard.statistic_types import Contrast, RankStatistics
from uad_bench.leaderboard.statistics import ranking
from uad_bench.leaderboard.statistics.clusters import subject_indices, subject_means, subject_totals
from uad_bench.leaderboard.statistics.complete_values import CompleteValues
from uad_bench.leaderboard.statistics.critical_difference import critical_difference
from uad_bench.leaderboard.statistics.pairwise.all_pairs import Pairs, all_pairs
from uad_bench.leaderboard.statistics.pairwise.compact_letters import compact_letters
from uad_bench.leaderboard.statistics.pairwise.paired_differences import paired_differences
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means
from uad_bench.leaderboard.statistics.row_data import (
    RowData,
    case_ids,
    is_mean_over_cases,
    per_case_metric,
    subject_by_case,
)
from uad_bench.leaderboard.statistics.table_intervals import add_intervals
from uad_bench.leaderboard.statistics.variance_components import Floats
from uad_bench.leaderboard.statistics.warnings import table_warnings
from uad_bench.leaderboard.table import Row, Table


@dataclass(frozen=True)
class _Family:
    """The rows that are tested together: those with a rank, and all reference rows.

    labels: of the k rows. (k, subjects), averaged over seeds: means, of each subject's cases; totals, the share of each
    subject in the mean over cases.
    """

    labels: Sequence[str]
    means: Floats
    totals: Floats
    pairs: Pairs

    def rows(self, labels: Sequence[str]) -> list[int]:
        """Indices of rows."""
        return [self.labels.index(label) for label in labels]


def add_statistics(table: Table, data: Mapping[str, RowData]) -> Table:
    """The table with every statistic that the data of its rows (by label) allows."""
    metric = per_case_metric(table.primary)
    ids, by_case = _primary_by_case(metric, data)
    values = {label: _values_by_case(ids, by_case.get(label)) for label in data}
    table = replace(table, rows=[replace(row, values=values.get(row.label, {})) for row in table.rows])
    table = replace(table, patients=_patients(table, ids, data))
    if table.patients < table.scheme.patients:
        return _values_only(table, data)
    complete = CompleteValues.of(_compared(table, by_case))
    table = replace(table, rows=_reranked(table, complete))
    rows, ranked = add_intervals(table, data), [row.label for row in table.rows if row.rank is not None]
    family = _family(table, ids, complete, data)
    rank_statistics, tau = _rank_statistics(table, data, family)
    to_best = _contrasts(table, family, ranked[:1], metric)
    baseline = _strongest(table, [row for row in rows if row.baseline])
    reference = _strongest(table, [row for row in rows if row.is_reference])
    to_baseline = _contrasts(table, family, baseline, metric)
    same = reference == baseline
    to_reference = to_baseline if same else _contrasts(table, family, reference, metric)
    critical = None
    if family and ranked:
        means = family.means[family.rows(ranked)]
        critical = critical_difference(means, ranked, metric, table.scheme.alpha)
    rows = [
        replace(
            row,
            rank_statistics=rank_statistics.get(row.label),
            to_best=to_best.get(row.label),
            to_baseline=to_baseline.get(row.label),
            to_reference=to_reference.get(row.label),
        )
        for row in rows
    ]
    done = replace(table, rows=rows, tau=tau, critical=critical)
    return replace(done, warnings=tuple(table_warnings(done, data, complete.replaced)))


def _patients(table: Table, ids: Sequence[str], data: Mapping[str, RowData]) -> int:
    """Number of patients: subjects of the primary metric's cases, else of those with lesions; cases where unknown."""
    subjects = subject_by_case(data)
    known = ids or sorted(
        set().union(*(run.groups.get("all", ()) for one in data.values() for run in one.runs))
    )
    return len({subjects.get(one, one) for one in known}) if known else table.lesion


def _values_only(table: Table, data: Mapping[str, RowData]) -> Table:
    rows = [replace(row, rank=None) for row in table.rows]
    done = replace(table, rows=rows, values_only=True)
    return replace(done, warnings=tuple(table_warnings(done, data, {})))


def _primary_by_case(metric: str, data: Mapping[str, RowData]) -> tuple[Sequence[str], dict[str, Floats]]:
    """Ids of the test cases, and the metric of each case by label; empty where a row's mean is over other cases."""
    done = {label: one for label, one in data.items() if one.runs}
    ids = case_ids(data, metric, "all")
    if not ids or not all(one.mean_is_over("all", metric, ids) for one in done.values()):
        return [], {}
    return ids, {label: one.case_values(metric, ids) for label, one in done.items()}


def _values_by_case(ids: Sequence[str], values: Floats | None) -> dict[str, float | None]:
    """Values (replicates, cases) by case id, averaged over replicates; None where one of them is undefined."""
    if values is None:
        return {}
    return {i: None if np.isnan(x) else x for i, x in zip(ids, values.mean(0).tolist(), strict=True)}


def _compared(table: Table, by_case: Mapping[str, Floats]) -> dict[str, Floats]:
    """The values of the rows that are compared in ranks, tests and differences: those with a rank, and references."""
    return {
        row.label: by_case[row.label]
        for row in table.rows
        if row.label in by_case
        and (row.rank is not None or (row.is_reference and row.complete and not row.leaky))
    }


def _reranked(table: Table, complete: CompleteValues) -> list[Row]:
    """The rows ranked anew where cases are undefined and the primary metric is a mean over cases."""
    if not is_mean_over_cases(table.primary) or not complete.replaced:
        return list(table.rows)
    ranked = [row for row in table.rows if row.rank is not None]
    ranks = ranking.ranks(np.array([complete.values[row.label].mean() for row in ranked])).tolist()
    placed = sorted(zip(ranks, ranked, strict=True), key=lambda pair: (pair[0], pair[1].label))
    new = iter([replace(row, rank=rank) for rank, row in placed])
    return [row if row.rank is None else next(new) for row in table.rows]


def _family(
    table: Table, ids: Sequence[str], complete: CompleteValues, data: Mapping[str, RowData]
) -> _Family | None:
    """The family of tests of a table; None without values of the cases."""
    labels = [row.label for row in table.rows if row.label in complete.values]
    if not labels:
        return None
    kept = [one for one, keep in zip(ids, complete.kept, strict=True) if keep]
    subject = subject_indices(kept, subject_by_case(data))
    values = [complete.values[label] for label in labels]
    averaged = np.array([one.mean(0) for one in values])
    incomplete = np.array([label in complete.replaced for label in labels])
    pairs = all_pairs([subject_totals(one, subject) for one in values], table.scheme, incomplete)
    return _Family(labels, subject_means(averaged, subject), subject_totals(averaged, subject), pairs)


def _strongest(table: Table, candidates: Sequence[Row]) -> list[str]:
    """The label of the reference row with the best mean; never one with a data leak, a missing seed or value."""
    name = ("all", table.primary)
    valid = [(row.mean(name), row.label) for row in candidates if row.complete and not row.leaky]
    found = sorted((-mean, label) for mean, label in valid if mean is not None)
    return [label for _, label in found[:1]]


def _contrasts(
    table: Table, family: _Family | None, reference: Sequence[str], metric: str
) -> dict[str, Contrast]:
    """Paired difference of each ranked row to the one in `reference`, by label; without that row itself."""
    if not family or not reference or reference[0] not in family.labels:
        return {}
    compared = [row.label for row in table.rows if row.label in family.labels and row.label != reference[0]]
    if not compared:
        return {}
    at = (family.labels.index(reference[0]), reference[0])
    found = paired_differences(family.pairs, family.totals, family.rows(compared), at, metric, table.scheme)
    return dict(zip(compared, found, strict=True))


def _rank_statistics(
    table: Table, data: Mapping[str, RowData], family: _Family | None
) -> tuple[dict[str, RankStatistics], float | None]:
    """Rank statistics by label, and Kendall's tau-b to the rankings of the resamples."""
    ranked = [row for row in table.rows if row.rank is not None]
    labels = [row.label for row in ranked]
    scores = _resampled_scores(table, ranked, data, family)
    if scores is None:
        return {}, None
    resampled = ranking.ranks(scores)
    low, high, first = ranking.rank_intervals(resampled, table.scheme.alpha)
    letters, by_case = [""] * len(ranked), None
    if family:
        which = np.ix_(family.rows(labels), family.rows(labels))
        letters = compact_letters(family.pairs.different(table.scheme.alpha)[which])
        by_case = ranking.rank_then_aggregate(family.means[family.rows(labels)])
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
    table: Table, ranked: Sequence[Row], data: Mapping[str, RowData], family: _Family | None
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
    if family is None:
        return None
    # A resample has equally many cases in all rows: its totals have the order of its means over cases.
    totals = family.totals[family.rows([row.label for row in ranked])]
    return bootstrap_means(totals, table.scheme.draws)
