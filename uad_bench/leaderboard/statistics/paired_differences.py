"""Paired differences between rows and a reference row, with confidence intervals and corrected p values."""

from collections.abc import Sequence

import numpy as np

from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, Scheme
from uad_bench.leaderboard.statistics.intervals import t_interval_half_width
from uad_bench.leaderboard.statistics.multiple_comparisons import holm_correction
from uad_bench.leaderboard.statistics.paired_tests import sign_flip_test, wilcoxon_test
from uad_bench.leaderboard.statistics.variance_components import (
    Floats,
    components_from_cases,
    components_of_difference,
    stack_equal_shapes,
)


def paired_differences(
    values: Sequence[Floats], reference: Floats, label: str, metric: str, scheme: Scheme = SCHEME
) -> list[Contrast]:
    """Each row minus the reference row called `label`, with Holm's correction over all rows.

    values, reference: per-case values (seeds, subjects), NaN where undefined; only subjects that both rows have are
    compared. See `Contrast` for what is computed.

    >>> values = np.array([[0.5, 0.6, 0.4, 0.7]])
    >>> (found,) = paired_differences([values + 0.1], values, "baseline", "ap")
    >>> f"{found.difference:.2f} [{found.low:.2f}, {found.high:.2f}], p {found.p}, n {found.n}"
    '0.10 [0.10, 0.10], p 0.125, n 4'
    """
    averaged = reference.mean(0)
    differences = np.array([one.mean(0) - averaged for one in values])
    n = (~np.isnan(differences)).sum(1)
    means, half = _means(differences), _half_widths(values, reference, differences, scheme.alpha)
    p, p_wilcoxon = sign_flip_test(differences, scheme), wilcoxon_test(differences)
    columns = np.column_stack([means, means - half, means + half, p, holm_correction(p), p_wilcoxon])
    return [
        Contrast(label, metric, int(n[i]), *(None if np.isnan(x) else float(x) for x in row))
        for i, row in enumerate(columns)
    ]


def _means(differences: Floats) -> Floats:
    """Means over the shared subjects; NaN with fewer than two."""
    known = ~np.isnan(differences)
    n = known.sum(1)
    return np.asarray(np.where(n > 1, np.where(known, differences, 0).sum(1) / np.maximum(n, 1), np.nan))


def _half_widths(values: Sequence[Floats], reference: Floats, differences: Floats, alpha: float) -> Floats:
    """Half the widths of the confidence intervals over seeds and subjects, on the shared subjects."""
    half = np.full(len(values), np.nan)
    for rows, stacked in stack_equal_shapes(values):
        d = differences[rows]
        known = ~np.isnan(d)
        of_subjects = components_from_cases(d[:, None, :], known)
        of_reference = components_from_cases(np.broadcast_to(reference, (len(rows), *reference.shape)), known)
        of_rows = components_from_cases(stacked, known)
        half[rows] = t_interval_half_width(
            components_of_difference(of_subjects.patients, of_subjects.n, of_rows, of_reference), alpha
        )
    return half
