"""Undefined cases count as the worst: one rule for ranks, differences and resamples of a table.

A mean over the cases that a row happens to have a value for would rank a row first that is worse on the cases that all
rows share. In comparisons, a case without a value has the lowest value that any row of the table has on this case. A
case without a value in all rows is left out. Printed means are over the defined cases, as everywhere.
"""

from collections.abc import Mapping

import numpy as np

from uad_bench.leaderboard.statistics.variance_components import Bools, Floats


def defined_cases(values: Mapping[str, Floats]) -> Bools:
    """Which cases have a value in every replicate of at least one row, (cases,); values: (replicates, cases) each."""
    return np.asarray(np.any([~np.isnan(one).any(0) for one in values.values()], axis=0))


def completed(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """The values of `defined_cases`, each missing one replaced by the lowest that any row has on that case.

    >>> found = completed({"a": np.array([[0.5, np.nan, np.nan]]), "b": np.array([[0.4, 0.3, np.nan]])})
    >>> {label: one.tolist() for label, one in found.items()}
    {'a': [[0.5, 0.3]], 'b': [[0.4, 0.3]]}
    """
    kept = defined_cases(values)
    if not kept.any():
        return {}
    taken = {label: one[:, kept] for label, one in values.items()}
    lowest = np.min([np.nanmin(np.where(np.isnan(one), np.inf, one), 0) for one in taken.values()], axis=0)
    return {label: np.where(np.isnan(one), lowest, one) for label, one in taken.items()}


def replaced(values: Mapping[str, Floats]) -> dict[str, int]:
    """The number of cases of each row that count as the worst; rows without such a case are left out.

    >>> replaced({"a": np.array([[0.5, np.nan, np.nan]]), "b": np.array([[0.4, 0.3, np.nan]])})
    {'a': 1}
    """
    kept = defined_cases(values) if values else np.zeros(0, bool)
    counts = {label: int(np.isnan(one[:, kept]).any(0).sum()) for label, one in values.items()}
    return {label: count for label, count in counts.items() if count}
