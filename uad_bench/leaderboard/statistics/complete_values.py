"""A missing value counts as the lowest of the other rows: one rule for ranks, differences and resamples of a table.

A mean over the cases that a row happens to have a value for would rank a row first that is worse on the cases that all
rows share. In comparisons, a case without a value has the lowest value that any compared row has on this case. A case
without a value in all rows is left out. Printed means are over the defined cases, as everywhere.

Where one other row alone has a value, the replaced one equals it: the difference of the two is 0 there, which is no
evidence that they are equivalent. Pairs with a replaced value are therefore not tested for equivalence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from uad_bench.leaderboard.statistics.variance_components import Bools, Floats


@dataclass(frozen=True)
class CompleteValues:
    """The per-case values of the rows that are compared, without missing ones.

    values: by label, (replicates, kept cases); kept: which cases have a value in every replicate of at least one row,
    (cases,); replaced: the number of replaced cases by label, without the rows that have none.

    >>> found = CompleteValues.of({"a": np.array([[0.5, np.nan, np.nan]]), "b": np.array([[0.4, 0.3, np.nan]])})
    >>> {label: one.tolist() for label, one in found.values.items()}, found.kept.tolist(), found.replaced
    ({'a': [[0.5, 0.3]], 'b': [[0.4, 0.3]]}, [True, True, False], {'a': 1})
    """

    values: Mapping[str, Floats]
    kept: Bools
    replaced: Mapping[str, int]

    @classmethod
    def of(cls, values: Mapping[str, Floats]) -> "CompleteValues":
        """From values (replicates, cases) by label, NaN where a case is undefined; no rows where no case is kept."""
        known = {label: ~np.isnan(one).any(0) for label, one in values.items()}
        kept = np.asarray(np.any(list(known.values()), axis=0)) if known else np.zeros(0, bool)
        if not kept.any():
            return cls({}, kept, {})
        taken = {label: one[:, kept] for label, one in values.items()}
        lowest = np.min(
            [np.nanmin(np.where(np.isnan(one), np.inf, one), 0) for one in taken.values()], axis=0
        )
        full = {label: np.where(np.isnan(one), lowest, one) for label, one in taken.items()}
        counts = {label: int(np.count_nonzero(kept & ~one)) for label, one in known.items()}
        return cls(full, kept, {label: count for label, count in counts.items() if count})
