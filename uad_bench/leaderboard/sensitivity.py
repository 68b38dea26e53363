"""How much of a result is preparation: one method and its seeds under each change of the preparation.

The runs belong to protocols with different fingerprints, which no leaderboard ranks together. Here the difference
between the protocols is the question: subjects are the same, paired by case id, and everything but the preparation is
equal.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from uad_bench.errors import DataError
from uad_bench.leaderboard.run_summary import DatasetResults, RunSummary
from uad_bench.leaderboard.statistic_types import SCHEME
from uad_bench.leaderboard.statistics.clusters import Indices, subject_indices, subject_means
from uad_bench.leaderboard.statistics.complete_values import CompleteValues
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.pairwise.multiple_comparisons import holm_correction
from uad_bench.leaderboard.statistics.variance_components import Floats

HEADINGS = ("preparation", "seeds", "cases", "mean ± sd", "difference [95 %]", "p (Holm)")
NOTE = (
    "Mean over cases, then mean and sample standard deviation over seeds. Difference to the protocol's own preparation "
    "on the same subjects, with its interval over seeds and patients; below ten subjects without interval and test."
)


@dataclass(frozen=True)
class Sensitivity:
    """A method on one test set under one preparation.

    preparation: "as the protocol", or a change; mean, sd: of the metric per case, over seeds (sd None for one seed and
    for deterministic methods); cases: with a value; difference: to the protocol's own preparation, over the cases that
    either has a value for, with its 95 % interval over seeds and patients; p_holm: of the two-sided test, Holm's
    correction over the changes; None in the first row and, but for the difference, below ten subjects; same_voxels: the
    change left every voxel of the test cases as it was.
    """

    test: str
    preparation: str
    seeds: int
    mean: float
    sd: float | None
    cases: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None
    same_voxels: bool = False


def sensitivity(runs: Mapping[str, Sequence[RunSummary]], test: str, metric: str) -> list[Sensitivity]:
    """A row for each preparation on one test set.

    runs: by preparation, the protocol's own first, the same seeds in each; metric: of a case, such as "ap".
    Raises DataError where no case has a value.
    """
    results = {label: [run.results[test] for run in some] for label, some in runs.items()}
    first = next(iter(results.values()))[0]
    lesions = first.groups.get("all") or first.cases.get(metric, {})
    ids = sorted(case for case in first.cases.get(metric, {}) if case in lesions)
    values = {label: _values(some, metric, ids) for label, some in results.items()}
    complete = CompleteValues.of(values)
    if not complete.values:
        raise DataError(
            f"no case of {test} has a value of {metric}", hint="name another metric with --metric"
        )
    rows = [
        Sensitivity(
            test,
            label,
            len(one),
            *_mean(one, deterministic=runs[label][0].deterministic),
            same_voxels=results[label][0].test_ids == first.test_ids,
        )
        for label, one in values.items()
    ]
    kept = [case for case, keep in zip(ids, complete.kept, strict=True) if keep]
    return [rows[0], *_compared(rows, complete, subject_indices(kept, first.subjects))]


def _values(results: Sequence[DatasetResults], metric: str, ids: Sequence[str]) -> Floats:
    """(seeds, cases), NaN where a case has no value."""
    found = [[one.cases.get(metric, {}).get(case) for case in ids] for one in results]
    return np.array([[np.nan if x is None else x for x in row] for row in found], np.float64).reshape(
        len(found), -1
    )


def _mean(values: Floats, *, deterministic: bool) -> tuple[float, float | None, int]:
    """Mean over the defined cases, then over seeds; standard deviation over seeds; cases with a value in every seed."""
    defined = ~np.isnan(values).any(0)
    means = values[:, defined].mean(1)
    spread = float(means.std(ddof=1)) if len(means) > 1 and not deterministic else None
    return float(means.mean()), spread, int(defined.sum())


def _compared(rows: Sequence[Sensitivity], complete: CompleteValues, subject: Indices) -> list[Sensitivity]:
    """The changes with their differences to the first row."""
    values = [subject_means(complete.values[row.preparation], subject) for row in rows]
    pairs = all_pairs(values)
    p = holm_correction(pairs.p[1:, 0])
    few = values[0].shape[1] < SCHEME.patients
    found = []
    for i, row in enumerate(rows[1:], 1):
        d, half = float(pairs.difference[i, 0]), float(pairs.half[i, 0])
        compared = replace(row, difference=d)
        found.append(
            compared if few else replace(compared, low=d - half, high=d + half, p_holm=float(p[i - 1]))
        )
    return found


def markdown(rows: Sequence[Sensitivity], metric: str) -> str:
    """A Markdown table for each test set."""
    lines: list[str] = []
    for test in dict.fromkeys(row.test for row in rows):
        lines += [
            f"## {test}: {metric}",
            "",
            f"| {' | '.join(HEADINGS)} |",
            "| --- |" + " ---: |" * (len(HEADINGS) - 1),
        ]
        lines += [f"| {' | '.join(_cells(row))} |" for row in rows if row.test == test] + [""]
    return "\n".join([*lines, NOTE])


def _cells(row: Sensitivity) -> tuple[str, ...]:
    spread = "" if row.sd is None else f" ± {row.sd:.3f}"
    interval = "" if row.low is None else f" [{row.low:+.3f}, {row.high:+.3f}]"
    difference = "" if row.difference is None else f"{row.difference:+.3f}{interval}"
    p = "" if row.p_holm is None else f"{row.p_holm:.3f}"
    same = " (same voxels)" if row.same_voxels and row.difference is not None else ""
    return row.preparation + same, str(row.seeds), str(row.cases), f"{row.mean:.3f}{spread}", difference, p


def as_csv(rows: Sequence[Sensitivity]) -> str:
    """The same numbers with all digits; undefined ones are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Sensitivity)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()
