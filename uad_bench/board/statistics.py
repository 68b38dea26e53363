"""Adds to a table of means what can be said about them: intervals, paired differences, how sure the ranks are.

docs/statistics.md says what each means and why it is made so. Everything is a function of the runs: equal runs give
equal bytes, in whatever order they come.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.board import letters, paired, ranking
from uad_bench.board.evidence import Evidence, case_form, case_ids, is_mean
from uad_bench.board.intervals import Floats, Parts, half_width, of_cases, of_draws, patient_draws, stacks
from uad_bench.board.summary import SEEDS_TO_RANK, Cell, Contrast, Name, Row, Standing, Table

#: By label: half the interval, and whether every value behind it lies between 0 and 1.
Halves = dict[str, tuple[float, bool]]


def judged(table: Table, evidence: Mapping[str, Evidence]) -> Table:
    """The table with every statistic that its evidence (by label) allows."""
    rows = _with_intervals(table, evidence)
    ranked = [row for row in rows if row.rank is not None]
    metric = case_form(table.primary)
    ids = case_ids(evidence, metric, "all")
    values = {row.label: evidence[row.label].cases(metric, ids) for row in rows if row.done} if ids else {}
    averaged = _averaged([values[row.label] for row in ranked] if ids else [])
    found, tau = _standings(table, ranked, evidence, averaged)
    best = _contrasts(table, ranked, ranked[:1], values, metric)
    plain = _contrasts(table, ranked, _baseline(rows), values, metric)
    critical = None
    if averaged.size:
        critical = ranking.critical(averaged, [row.label for row in ranked], metric, table.scheme.alpha)
    rows = [
        replace(
            row, standing=found.get(row.label), to_best=best.get(row.label), to_baseline=plain.get(row.label),
            values=_by_case(ids, values.get(row.label)),
        )
        for row in rows
    ]  # fmt: skip
    done = replace(table, rows=rows, tau=tau, critical=critical)
    return replace(done, cautions=tuple(_cautions(done, evidence)))


def _averaged(values: Sequence[Floats]) -> Floats:
    """Rows by patients, seeds averaged; without a row or a single value an empty array."""
    averaged = np.array([one.mean(0) for one in values])
    return np.zeros((0, 0)) if np.isnan(averaged).all() else averaged


def _by_case(ids: Sequence[str], values: Floats | None) -> dict[str, float | None]:
    """Values (replicates, patients) by case id, seeds averaged; None where one of them is not defined."""
    if values is None:
        return {}
    return {i: None if np.isnan(x) else x for i, x in zip(ids, values.mean(0).tolist(), strict=True)}


# --- intervals ---------------------------------------------------------------------------------------------


def _with_intervals(table: Table, evidence: Mapping[str, Evidence]) -> list[Row]:
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
    shown = [label for label, one in evidence.items() if ids and one.runs]
    found: Halves = {}
    for places, values in stacks([evidence[label].cases(metric, ids) for label in shown]):
        known = np.asarray(~np.isnan(values).any(1))
        found |= _by_label([shown[i] for i in places], of_cases(values, known), values, alpha)
    return found


def _halves_of_pools(name: Name, evidence: Mapping[str, Evidence], alpha: float) -> Halves:
    pools = {label: pool for label, one in evidence.items() if (pool := one.pooled(name))}
    shown, found = list(pools), Halves()
    for places, draws in stacks([pools[label].draws for label in shown]):
        here = [pools[shown[i]] for i in places]
        n = np.array([pool.n for pool in here], np.float64)
        parts = of_draws(np.array([pool.values for pool in here]), draws, n)
        found |= _by_label([shown[i] for i in places], parts, draws, alpha)
    return found


def _by_label(labels: Sequence[str], parts: Parts, values: Floats, alpha: float) -> Halves:
    half = half_width(parts, alpha)
    inside = np.asarray(~((values < 0) | (values > 1)).any((1, 2)))
    return {label: (float(half[i]), bool(inside[i])) for i, label in enumerate(labels)}


# --- paired differences ------------------------------------------------------------------------------------


def _baseline(rows: Sequence[Row]) -> list[Row]:
    """The row that all others are compared with: the best ranked of those whose method says it is a baseline."""
    plain = [row for row in rows if row.baseline and row.done]
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
    found = paired.contrasts([values[one] for one in compared], values[label], label, metric, table.scheme)
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
    signs = letters.letters(letters.apart(averaged, table.scheme)) if averaged.size else [""] * len(ranked)
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


# --- words -------------------------------------------------------------------------------------------------


def _cautions(table: Table, evidence: Mapping[str, Evidence]) -> Iterator[str]:
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
