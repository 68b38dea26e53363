"""The result of a table in one sentence."""

from collections.abc import Sequence

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.metric_columns import HEADINGS
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table

#: Names that are listed; more are counted.
LISTED = 4


def verdict(table: Table) -> str:
    """The first method and its interval, which others do not differ significantly from it, how many beat references.

    The sentence rests on the significance tests of the table; a table of few patients has no verdict.
    """
    if table.values_only:
        verb = "is" if table.patients == 1 else "are"
        return f"No verdict: {wording.patients(table)} {verb} too few to compare methods; values only."
    ranked = [row for row in table.rows if row.rank is not None]
    if not ranked:
        return "No verdict: no row is complete."
    best = [row for row in ranked if row.rank == 1]
    if len(best) > 1:
        parts = [f"{_listed([row.label for row in best])} share the first rank"]
    else:
        parts = [_named(table, best[0]), *_others(table, best[0], ranked)]
    parts += [*_references(table, ranked), *_tested_on(table, ranked)]
    return f"{'; '.join(parts)}."


def _named(table: Table, row: Row) -> str:
    """`autoencoder ranks first by AP per case: 0.244 (95 % confidence interval 0.186 to 0.303)`."""
    cell = row.cells[("all", table.primary)]
    interval = ""
    if cell.low is not None and cell.high is not None:
        ends = " to ".join(wording.decimal(end, 3) for end in (cell.low, cell.high))
        interval = f" ({wording.percent(table)} confidence interval {ends})"
    return f"{row.label} ranks first by {_heading(table.primary)}: {wording.decimal(cell.mean or 0.0, 3)}{interval}"


def _heading(metric: str) -> str:
    """The heading of a metric; of the values of cases ("ap") that of their mean."""
    return HEADINGS.get(metric, HEADINGS.get(f"{metric}.case", (metric, "")))[0]


def _others(table: Table, best: Row, ranked: Sequence[Row]) -> list[str]:
    """Which rows do not differ significantly from the first one, and which are significantly better by the tests."""
    others = [row for row in ranked if row is not best]
    compared = [(row.label, row.to_best) for row in others if _is_tested(row.to_best)]
    if not others:
        return ["no other row is ranked"]
    if len(compared) < len(others):
        return ["differences are not tested"]
    worse = [label for label, found in compared if _significant(table, found, better=False)]
    better = [label for label, found in compared if _significant(table, found, better=True)]
    same = [label for label, _ in compared if label not in {*worse, *better}]
    if len(worse) == len(others):
        all_others = (
            f"all {len(others)} other ranked methods" if len(others) > 1 else "the other ranked method"
        )
        return [f"it is significantly better than {all_others}"]
    return [
        f"{_listed(labels)} {single if len(labels) == 1 else several} {what}"
        for labels, single, several, what in (
            (same, "does", "do", "not differ significantly from it"),
            (better, "is", "are", "significantly better than it"),
        )
        if labels
    ]


def _references(table: Table, ranked: Sequence[Row]) -> list[str]:
    """How many rows are significantly better than the strongest reference row."""
    known = [(row, row.to_reference) for row in ranked if row.to_reference and _is_tested(row.to_reference)]
    if not known:
        return []
    better = [row.label for row, found in known if _significant(table, found, better=True)]
    what = f"significantly better than the strongest reference, {known[0][1].other}"
    if len(ranked) == 1:
        return [f"it is {'' if better else 'not '}{what}"]
    names = f" ({_listed(better)})" if 0 < len(better) <= LISTED else ""
    methods = f"{len(better) or 'none'} of {len(known)} method{'' if len(known) == 1 else 's'}{names}"
    verb = "is" if len(better) < 2 else "are"
    return [f"{methods} {verb} {what}"]


def _tested_on(table: Table, ranked: Sequence[Row]) -> list[str]:
    """What the tests compare, where it is not the metric that ranks: a pooled metric has no value per patient."""
    tested = [
        found for row in ranked for found in (row.to_best, row.to_reference) if found and _is_tested(found)
    ]
    metrics = dict.fromkeys(_heading(found.metric) for found in tested)
    return [f"differences are tested on {name}" for name in metrics if name != _heading(table.primary)]


def _is_tested(found: Contrast | None) -> bool:
    return found is not None and found.p_holm is not None


def _significant(table: Table, found: Contrast | None, *, better: bool) -> bool:
    """Whether a row is significantly better, or significantly worse, than the row that it is compared with."""
    if found is None or found.p_holm is None or found.difference is None:
        return False
    return found.p_holm <= table.scheme.alpha and (found.difference > 0 if better else found.difference < 0)


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; more than `LISTED` names are counted: `7 methods`."""
    if len(names) > LISTED:
        return f"{len(names)} methods"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
