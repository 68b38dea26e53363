"""The result of a table in one sentence."""

from collections.abc import Sequence

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.metric_columns import HEADINGS
from uad_bench.leaderboard.table import Row, Table

#: Names that are listed; more are counted.
LISTED = 4


def verdict(table: Table) -> str:
    """The best method, its interval, which methods do not differ significantly from it, and how many beat references.

    The sentence rests on the significance tests of the table; a table of few patients has no verdict.
    """
    if table.values_only:
        return f"No verdict: {table.lesion} cases with lesions are too few to compare methods; values only."
    ranked = [row for row in table.rows if row.rank is not None]
    if not ranked:
        return "No verdict: no row is complete."
    if len(ranked) == 1:
        return f"{_named(table, ranked[0])}; no other row is ranked."
    best = [row for row in ranked if row.rank == 1]
    if len(best) > 1:
        return f"{_listed([row.label for row in best])} share the first rank{_references(table, ranked)}."
    return f"{_named(table, best[0])}{_not_different(table, best[0], ranked)}{_references(table, ranked)}."


def _named(table: Table, row: Row) -> str:
    """`autoencoder has the highest AP per case, 0.244 [0.186, 0.303]`."""
    metric, cell = HEADINGS.get(table.primary, (table.primary, ""))[0], row.cells[("all", table.primary)]
    ends = wording.interval_text(cell.low, cell.high)
    return (
        f"{row.label} has the highest {metric}, {wording.decimal(cell.mean or 0.0, 3)}{ends and f' {ends}'}"
    )


def _not_different(table: Table, best: Row, ranked: Sequence[Row]) -> str:
    """Which rows do not differ significantly from the best one."""
    others = [row for row in ranked if row is not best]
    compared = [row for row in others if row.to_best and row.to_best.p_holm is not None]
    if len(compared) < len(others):
        return "; differences are not tested"
    same = [row.label for row in compared if row.to_best and (row.to_best.p_holm or 0) > table.scheme.alpha]
    if not same:
        return f", and differs significantly from all {len(others)} other ranked methods"
    return f"; {_listed(same)} {'does' if len(same) == 1 else 'do'} not differ significantly from it"


def _references(table: Table, ranked: Sequence[Row]) -> str:
    """How many rows are significantly better than the strongest reference row."""
    known = [
        (row, row.to_reference) for row in ranked if row.to_reference and row.to_reference.p_holm is not None
    ]
    if not known:
        return ""
    better = [
        row.label
        for row, found in known
        if (found.p_holm or 0) <= table.scheme.alpha and (found.difference or 0) > 0
    ]
    count = _listed(better) if 0 < len(better) <= LISTED else "none" if not better else str(len(better))
    verb = "is" if len(better) < 2 else "are"
    return f"; {count} of {len(known)} {verb} significantly better than the strongest reference, {known[0][1].other}"


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; more than `LISTED` names are counted: `7 methods`."""
    if len(names) > LISTED:
        return f"{len(names)} methods"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
