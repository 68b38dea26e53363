"""Sensitivity of results to preprocessing: one method and its seeds under each change of the preparation.

The runs belong to protocols with different fingerprints, which no leaderboard ranks together. Here the difference
between the protocols is the question: subjects are the same, paired by case id, and everything but the preparation is
equal.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from uad_bench.errors import DataError
from uad_bench.leaderboard.run_summary import DatasetResults, RunSummary
from uad_bench.leaderboard.statistic_types import SCHEME
from uad_bench.leaderboard.statistics.clusters import Indices, subject_indices, subject_totals
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.pairwise.multiple_comparisons import holm_correction
from uad_bench.leaderboard.statistics.variance_components import Floats


@dataclass(frozen=True)
class Sensitivity:
    """A method on one test set under one preparation.

    preparation: "as the protocol", or a change; mean, sd: of the metric per case, over seeds (sd None for one seed and
    for deterministic methods, both without a case that has a value); cases: with a value in every seed; paired: of
    these, with a value under the protocol's own preparation too; difference: to the protocol's own preparation over the
    paired cases, with its 95 % interval over seeds and patients; p_holm: of the two-sided test, Holm's correction over
    the changes; None in the first row and, but for the difference, below ten subjects; same_voxels: the change left
    every voxel of the test cases as it was.
    """

    test: str
    preparation: str
    seeds: int
    mean: float | None
    sd: float | None
    cases: int
    paired: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None
    same_voxels: bool = False


def sensitivity(runs: Mapping[str, Sequence[RunSummary]], test: str, metric: str) -> list[Sensitivity]:
    """A row for each preparation on one test set.

    runs: by preparation, the protocol's own first, the same seeds in each; metric: of a case with lesions, as "ap".
    Raises DataError where no case has a value.
    """
    results = {label: [run.results[test] for run in some] for label, some in runs.items()}
    own = next(iter(results.values()))[0]
    every = [one for some in results.values() for one in some]
    known = {case for one in every for case in one.cases.get(metric, {})}
    ids = sorted(known & own.groups.get("all", frozenset(known)))
    values = {label: _values(some, metric, ids) for label, some in results.items()}
    if all(np.isnan(one).any(0).all() for one in values.values()):
        raise DataError(
            f"no case with lesions of {test} has a value of {metric}",
            hint="name another metric with --metric",
        )
    rows = [
        _row(
            test,
            label,
            values[label],
            deterministic=runs[label][0].deterministic,
            same=some[0].test_ids == own.test_ids,
        )
        for label, some in results.items()
    ]
    return [rows[0], *_compared(rows, values, subject_indices(ids, own.subjects))]


def _values(results: Sequence[DatasetResults], metric: str, ids: Sequence[str]) -> Floats:
    """(seeds, cases), NaN where a case has no value."""
    found = [[one.cases.get(metric, {}).get(case) for case in ids] for one in results]
    return np.array(found, np.float64).reshape(len(found), -1)


def _row(test: str, label: str, values: Floats, *, deterministic: bool, same: bool) -> Sensitivity:
    """A row without its difference."""
    defined = ~np.isnan(values).any(0)
    if not defined.any():
        return Sensitivity(test, label, len(values), None, None, 0, same_voxels=same)
    means = values[:, defined].mean(1)
    spread = float(means.std(ddof=1)) if len(means) > 1 and not deterministic else None
    return Sensitivity(
        test, label, len(values), float(means.mean()), spread, int(defined.sum()), same_voxels=same
    )


def _compared(
    rows: Sequence[Sensitivity], values: Mapping[str, Floats], subject: Indices
) -> list[Sensitivity]:
    """The changes with their differences to the first row.

    Changes with a value in the same cases are compared in one table, so that the variances over seeds, which few seeds
    hardly tell, are moderated across them.
    """
    own = values[rows[0].preparation]
    groups: dict[bytes, list[Sensitivity]] = defaultdict(list)
    for row in rows[1:]:
        groups[_in_both(own, values[row.preparation]).tobytes()].append(row)
    found = {
        one.preparation: one
        for group in groups.values()
        for one in _against(own, [values[row.preparation] for row in group], group, subject)
    }
    ordered = [found[row.preparation] for row in rows[1:]]
    p = holm_correction(np.array([np.nan if one.p_holm is None else one.p_holm for one in ordered]))
    return [
        one if one.p_holm is None else replace(one, p_holm=float(corrected))
        for one, corrected in zip(ordered, p, strict=True)
    ]


def _in_both(own: Floats, changed: Floats) -> npt.NDArray[np.bool_]:
    """The cases with a value in every seed under both preparations."""
    return np.asarray(~np.isnan(np.vstack([own, changed])).any(axis=0), np.bool_)


def _against(
    own: Floats, changed: Sequence[Floats], rows: Sequence[Sensitivity], subject: Indices
) -> list[Sensitivity]:
    """Changes with a value in the same cases, with their differences, and p values before the correction."""
    both = _in_both(own, changed[0])
    if not both.any():
        return list(rows)
    _, of_case = np.unique(subject[both], return_inverse=True)
    averaged = [subject_totals(one[:, both], of_case) for one in (own, *changed)]
    pairs, enough = all_pairs(averaged), averaged[0].shape[1] >= SCHEME.patients
    found = []
    for place, row in enumerate(rows, start=1):
        d, half = float(pairs.difference[place, 0]), float(pairs.half[place, 0])
        one = replace(row, paired=int(both.sum()), difference=d)
        p = float(pairs.p[place, 0])
        found.append(replace(one, low=d - half, high=d + half, p_holm=p) if enough else one)
    return found
