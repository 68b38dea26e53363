"""The order in which people read tables: the largest test set first, tables of few patients last."""

from collections.abc import Sequence

from uad_bench.leaderboard.table import Table


def reading_order(tables: Sequence[Table]) -> list[Table]:
    """Tables with ranks before those with values only, then by number of cases with lesions, the largest first.

    Equal tables keep their order, so that a ranking stays before those that are not comparable with it.
    """
    return sorted(tables, key=lambda table: (table.values_only, -table.lesion))
