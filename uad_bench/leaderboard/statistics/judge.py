"""Adds to a table of means what can be said about them: intervals, paired differences, how sure the ranks are.

docs/statistics.md says what each means and why it is made so. Everything is a function of the runs: equal runs give
equal bytes, in whatever order they come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.leaderboard.statistic_types import Contrast, Standing
from uad_bench.leaderboard.statistics import clusters, compact_letters, paired_tests, ranking
from uad_bench.leaderboard.statistics.clusters import places
from uad_bench.leaderboard.statistics.evidence import Evidence, case_form, case_ids, subjects_of
from uad_bench.leaderboard.statistics.intervals import Floats, patient_draws
from uad_bench.leaderboard.statistics.table_intervals import with_intervals
from uad_bench.leaderboard.statistics.warnings import cautions
from uad_bench.leaderboard.table import Row, Table


def judged(table: Table, evidence: Mapping[str, Evidence]) -> Table:
    """The table with every statistic that its evidence (by label) allows."""
    rows = with_intervals(table, evidence)
    ranked = [row for row in rows if row.rank is not None]
    metric = case_form(table.primary)
    ids, by_case = _primary_by_case(metric, evidence)
    which = places(ids, subjects_of(evidence))
    values = {label: clusters.averaged(one, which) for label, one in by_case.items()}
    averaged = _averaged([values[row.label] for row in ranked] if ids else [])
    found, tau = _standings(table, ranked, evidence, averaged)
    best = _contrasts(table, ranked, ranked[:1], values, metric)
    plain = _contrasts(table, ranked, _baseline(rows), values, metric)
    critical = None
    if averaged.size:
        critical = ranking.critical(averaged, [row.label for row in ranked], metric, table.scheme.alpha)
    rows = [
        replace(
            row,
            standing=found.get(row.label),
            to_best=best.get(row.label),
            to_baseline=plain.get(row.label),
            values=_by_case(ids, by_case.get(row.label)),
        )
        for row in rows
    ]
    done = replace(table, rows=rows, tau=tau, critical=critical)
    return replace(done, cautions=tuple(cautions(done, evidence)))


def _primary_by_case(
    metric: str, evidence: Mapping[str, Evidence]
) -> tuple[Sequence[str], dict[str, Floats]]:
    """Test cases, and by label the metric for each of them; nothing where a row's mean is of other cases."""
    done = {label: one for label, one in evidence.items() if one.runs}
    ids = case_ids(evidence, metric, "all")
    if not ids or not all(one.whole("all", metric, ids) for one in done.values()):
        return [], {}
    return ids, {label: one.cases(metric, ids) for label, one in done.items()}


def _averaged(values: Sequence[Floats]) -> Floats:
    """Rows by patients, seeds averaged; without a row or a single value an empty array."""
    averaged = np.array([one.mean(0) for one in values])
    return np.zeros((0, 0)) if np.isnan(averaged).all() else averaged


def _by_case(ids: Sequence[str], values: Floats | None) -> dict[str, float | None]:
    """Values (replicates, patients) by case id, seeds averaged; None where one of them is not defined."""
    if values is None:
        return {}
    return {i: None if np.isnan(x) else x for i, x in zip(ids, values.mean(0).tolist(), strict=True)}


# --- paired differences ------------------------------------------------------------------------------------


def _baseline(rows: Sequence[Row]) -> list[Row]:
    """The row that all others are compared with: the best ranked of those whose method says it is a baseline.

    A row that was allowed a leak is no measure for others.
    """
    plain = [row for row in rows if row.baseline and row.done and not row.leaky]
    return sorted(plain, key=lambda row: (row.rank is None, row.rank or 0, row.label))[:1]


def _contrasts(
    table: Table, rows: Sequence[Row], other: Sequence[Row], values: Mapping[str, Floats], metric: str
) -> dict[str, Contrast]:
    """By label the difference of each row to the one in `other`, but for that one itself."""
    if not other or not values:
        return {}
    label = other[0].label
    compared = [row.label for row in rows if row.label != label]
    if not compared:
        return {}
    found = paired_tests.contrasts(
        [values[one] for one in compared], values[label], label, metric, table.scheme
    )
    return dict(zip(compared, found, strict=True))


# --- ranks -------------------------------------------------------------------------------------------------


def _standings(
    table: Table, ranked: Sequence[Row], evidence: Mapping[str, Evidence], averaged: Floats
) -> tuple[dict[str, Standing], float | None]:
    """By label how sure the rank is, and Kendall's tau to the bootstrapped rankings."""
    scores = _scores(table, ranked, evidence, averaged)
    if scores is None:
        return {}, None
    drawn = ranking.ranks(scores)
    low, high, first = ranking.intervals(drawn, table.scheme.alpha)
    signs = (
        compact_letters.letters(compact_letters.apart(averaged, table.scheme))
        if averaged.size
        else [""] * len(ranked)
    )
    by_case = ranking.rank_then_aggregate(averaged) if averaged.size else None
    found = {
        row.label: Standing(
            int(low[i]), int(high[i]), float(first[i]), signs[i], None if by_case is None else int(by_case[i])
        )
        for i, row in enumerate(ranked)
    }
    return found, ranking.tau(np.array([row.rank for row in ranked], np.int32), drawn)


def _scores(
    table: Table, ranked: Sequence[Row], evidence: Mapping[str, Evidence], averaged: Floats
) -> Floats | None:
    """The primary metric of the ranked rows under patient resamples, (rows, B); of its form by case at need."""
    if not ranked:
        return None
    pools = [evidence[row.label].pooled(("all", table.primary)) for row in ranked]
    drawn = [pool.draws.mean(0) for pool in pools if pool is not None]
    if len(drawn) == len(ranked) and len({len(one) for one in drawn}) == 1:
        return np.array(drawn)
    return patient_draws(averaged, table.scheme.draws) if averaged.size else None
