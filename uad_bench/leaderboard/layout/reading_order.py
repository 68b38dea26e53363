"""The order in which people read tables: the largest test set first, test sets of few patients last."""

from collections.abc import Sequence

from uad_bench.leaderboard.table import Table


def reading_order(tables: Sequence[Table]) -> list[Table]:
    """Test sets with ranks before those with values only, then by number of cases with lesions, the largest first.

    The tables of a test set stay together in their given order, since each of them may say that it is not comparable
    with the first one. A test set counts as its table with ranks, and as its largest one.
    """
    of_test: dict[str, list[Table]] = {}
    for table in tables:
        of_test.setdefault(table.key.test, []).append(table)
    ordered = sorted(of_test.values(), key=lambda some: min(map(_place, some)))
    return [table for some in ordered for table in some]


def _place(table: Table) -> tuple[bool, int]:
    return table.values_only, -table.lesion
