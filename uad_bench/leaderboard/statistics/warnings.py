"""Limits of the statistics of a table that a reader has to know."""

from collections import Counter
from collections.abc import Iterator, Mapping

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import SEEDS_TO_RANK
from uad_bench.leaderboard.statistics.row_data import (
    RowData,
    is_mean_over_cases,
    per_case_metric,
    subject_by_case,
)
from uad_bench.leaderboard.statistics.table_intervals import means_outside
from uad_bench.leaderboard.table import Row, Table


def table_warnings(table: Table, data: Mapping[str, RowData], replaced: Mapping[str, int]) -> Iterator[str]:
    """Sentences on few patients and seeds, undefined cases, subjects with several cases, folds, missing draws
    and means outside a declared range.

    replaced: see `CompleteValues`. A table with values only has no sentence on intervals and tests.
    """
    if table.values_only:
        yield (
            f"fewer than {table.scheme.patients} patients with lesions: values only, without ranks, groups, intervals "
            "and tests; rows are in the order of their means"
        )
    else:
        yield from _replaced(replaced)
        yield from _few_seeds(table, data)
        yield from _several_cases_per_subject(data, table.scheme.patients)
    yield from _outside_range(table, data)
    for row in table.rows:
        if row.folds and row.done:
            yield f"{row.label}: {_folds(row, data[row.label], values_only=table.values_only)}"
    ranked = [row for row in table.rows if row.rank is not None]
    missing = [r.label for r in ranked if data[r.label].pooled_metric(("all", table.primary)) is None]
    if missing and not is_mean_over_cases(table.primary):
        instead = (
            f"ranks are resampled by {per_case_metric(table.primary)}"
            if table.critical
            else "ranks have no interval"
        )
        yield f"no bootstrap draws of {table.primary} in {', '.join(missing)}: {instead}"


def _replaced(replaced: Mapping[str, int]) -> Iterator[str]:
    if replaced:
        rows = ", ".join(f"{label} ({count})" for label, count in replaced.items())
        yield (
            "cases that are undefined in some rows count there as the lowest value of any compared row on that case, "
            "in ranks and differences, and these rows are not tested for equivalence; means are over the defined "
            f"cases: {rows}"
        )


def _outside_range(table: Table, data: Mapping[str, RowData]) -> Iterator[str]:
    found = {metric: range_ for (_, metric), range_ in means_outside(table, data).items()}
    for metric, (low, high) in sorted(found.items()):
        instead = "" if table.values_only else "; its intervals are symmetric"
        yield f"{metric} has means outside the range [{low:g}, {high:g}] that it declares{instead}"


def _few_seeds(table: Table, data: Mapping[str, RowData]) -> Iterator[str]:
    few = [f"{row.label} ({row.done})" for row in table.rows if wording.has_few_seeds(row)]
    if few:
        yield f"ranks based on fewer than {SEEDS_TO_RANK} seeds, which may change with more seeds: {', '.join(few)}"
    random = [row.label for row in table.rows if row.done and not row.deterministic]
    single = [label for label in random if data[label].replicates == 1]
    if single:
        yield (
            "one seed, so that intervals and tests are over patients only and hold for these trained models, not for "
            f"the methods: {', '.join(single)}"
        )


def _several_cases_per_subject(data: Mapping[str, RowData], patients: int) -> Iterator[str]:
    known = subject_by_case(data)
    cases = next((run.groups["all"] for one in data.values() for run in one.runs if run.groups), known)
    counts = Counter(known.get(case, case) for case in cases)
    if len(counts) == len(cases):
        return
    yield (
        f"{len(cases)} cases of {len(counts)} subjects: intervals and tests of per-case metrics are clustered by "
        "subject; intervals and ranks of pooled metrics treat cases as independent"
    )
    # The effective number of clusters (Kish 1965), as if all subjects had equally many cases.
    effective = len(cases) ** 2 / sum(count**2 for count in counts.values())
    if effective < patients:
        yield (
            f"few subjects have most of the cases, which weigh as much as {effective:.1f} subjects with equally many: "
            "confidence intervals of means are too narrow"
        )


def _folds(row: Row, data: RowData, *, values_only: bool) -> str:
    """Numbers of folds and runs of a row, and what its standard deviation and its confidence interval cover."""
    folds = len(set(data.folds))
    runs = "" if row.done == folds else f", {row.done} runs"
    count = f"{folds} fold{'' if folds == 1 else 's'}{runs}"
    if values_only:
        return f"{count}; ± is over seeds within folds"
    if folds > 1:
        return f"{count}; the confidence interval is over folds and patients, ± over seeds within folds"
    over = "seeds and patients" if data.replicates > 1 else "patients only"
    return f"{count}; the confidence interval is over {over}, not over folds"
