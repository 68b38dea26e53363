"""Paired differences between rows and a reference row, with confidence intervals and corrected p values."""

from collections.abc import Sequence

import numpy as np

from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, Scheme
from uad_bench.leaderboard.statistics.pairwise.all_pairs import Pairs
from uad_bench.leaderboard.statistics.pairwise.paired_tests import sign_flip_test, wilcoxon_test
from uad_bench.leaderboard.statistics.variance_components import Floats


def paired_differences(
    pairs: Pairs,
    averaged: Floats,
    rows: Sequence[int],
    reference: tuple[int, str],
    metric: str,
    scheme: Scheme = SCHEME,
) -> list[Contrast]:
    """Rows of a family of tests minus a reference row of it.

    averaged: (k, subjects), the values behind `pairs`, averaged over seeds; rows: indices among the k rows; reference:
    index and label of the reference row. See `Contrast` for what is computed.

    >>> from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
    >>> values = np.array([0.5, 0.6, 0.4, 0.7])
    >>> averaged = np.array([values, values + np.array([0.1, 0.2, 0.1, 0.1])])
    >>> (found,) = paired_differences(all_pairs(averaged[:, None]), averaged, [1], (0, "baseline"), "ap")
    >>> f"{found.difference:.3f} [{found.low:.2f}, {found.high:.2f}], p {found.p}, n {found.n}"
    '0.125 [0.05, 0.20], p 0.125, n 4'
    """
    at, label = reference
    taken = list(rows)
    differences = averaged[taken] - averaged[at]
    mean, half = pairs.difference[taken, at], pairs.half[taken, at]
    columns = np.column_stack(
        [
            *(mean, mean - half, mean + half),
            *(sign_flip_test(differences, scheme), pairs.p_holm[taken, at], wilcoxon_test(differences)),
            *(pairs.p[taken, at], pairs.p_equal[taken, at]),
        ]
    )
    return [
        Contrast(label, metric, averaged.shape[1], *(None if np.isnan(x) else float(x) for x in row))
        for row in columns
    ]
