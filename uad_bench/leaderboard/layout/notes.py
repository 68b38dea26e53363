"""Footnotes of a table: the meaning of its marks, failures, sources of reported results. Nothing is escaped yet."""

from collections.abc import Iterator, Sequence

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import ORACLE, SEEDS_FOR_SPREAD, SEEDS_TO_RANK
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table

_REFERENCES = {
    "best": "best",
    "reference": "reference, the strongest of the controls and baselines",
    "baseline": "baseline, the best method that is declared as one",
}


def notes(table: Table) -> list[str]:
    """All footnotes: legend, failures and remarks, sources."""
    return [*legend(table), *failures(table), *sources(table)]


def legend(table: Table) -> list[str]:
    """The meaning of every mark in the table, and the warnings on its statistics."""
    return [
        *_value_notes(table),
        *_rank_notes(table),
        *_contrast_notes(table),
        *_row_notes(table),
        *table.warnings,
    ]


def failures(table: Table) -> list[str]:
    """Runs without results, and permanent remarks on rows."""
    lines = [f"no result: {failure}" for row in table.rows for failure in row.failures]
    marks = dict.fromkeys(mark for row in table.rows for mark in row.marks)
    lines += [f"remark: {mark}" for mark in marks]
    if any(row.leaky for row in table.rows):
        lines.append("leak: test and training data are not independent; not a valid result, never ranked")
    return lines


def sources(table: Table) -> Iterator[str]:
    """The sources of reported results."""
    found = dict.fromkeys(paper.source for row in table.rows for paper in row.reported)
    if found:
        yield (
            "reported: as printed in the source, obtained under a different protocol (cases, preparation, thresholds), "
            f"not ranked; source: {'; '.join(found)}"
        )


def _value_notes(table: Table) -> Iterator[str]:
    yield (
        "± sample standard deviation (ddof = 1) over seeds; × ratio to the prevalence, the expected average precision "
        "of random scores"
    )
    cells = [cell for row in table.rows for cell in row.cells.values()]
    if any(0 < cell.seeds < SEEDS_FOR_SPREAD for cell in cells):
        yield (
            f"a standard deviation is given from {SEEDS_FOR_SPREAD} seeds on; n=1: a single seed, which gives no "
            "information on the variation between seeds"
        )
    if any(cell.low is not None for cell in cells):
        yield (
            f"[a, b] {_percent(table)} confidence interval of the primary metric, seeds and patients both treated as "
            f"random: {table.scheme.interval}; on the logit scale for metrics in [0, 1]"
        )
        if table.strata:
            yield "strata (site, sex, ...) are small and overlap: they have no confidence interval"
    if any(cell.undefined for cell in cells):
        yield "undefined: number of cases in which the metric is not defined; they are excluded from the mean"
    if any(ORACLE in name[1] or cell.oracle for row in table.rows for name, cell in row.cells.items()):
        yield f"{wording.DAGGER} oracle: uses the test labels; {_bound(table)}, never used for ranking"
    if any(metric.startswith("ap_gain") for _, metric in table.names):
        yield "AP gain: (AP − prevalence) / (1 − prevalence); 0 for random scores, 1 for a perfect map"


def _bound(table: Table) -> str:
    """Whether Dice at an oracle threshold is an upper bound."""
    if not table.after_threshold:
        return "an upper bound (ceiling)"
    steps = ", ".join(table.after_threshold)
    return f"no upper bound, since {steps} changes the thresholded map after the threshold is found"


def _rank_notes(table: Table) -> Iterator[str]:
    rows, scheme = table.rows, table.scheme
    if any(row.rank_statistics for row in rows):
        yield (
            f"rank [a–b]: {_percent(table)} percentile bootstrap interval of the rank, {scheme.draws} resamples of the "
            f"patients (seed {scheme.seed})"
        )
    if table.tau is not None:
        yield (
            f"Kendall's tau-b between this ranking and those of the resamples: mean {table.tau:.2f} (1: identical)"
        )
    if any(row.rank_statistics and row.rank_statistics.letters for row in rows):
        yield (
            f"group: rows that share a letter do not differ significantly ({scheme.test}, {scheme.correction}'s "
            f"correction over all pairs of the ranked rows and the reference rows, alpha {scheme.alpha:g})"
        )
    if any(wording.has_few_seeds(row) for row in rows):
        yield f"{wording.FEW_SEEDS} rank based on fewer than {SEEDS_TO_RANK} seeds"
    yield from _rank_then_aggregate(rows)


def _rank_then_aggregate(rows: Sequence[Row]) -> Iterator[str]:
    other = [
        f"{row.label} {row.rank_statistics.by_case}"
        for row in rows
        if row.rank_statistics and row.rank_statistics.by_case not in {None, row.rank}
    ]
    if other:
        yield f"ranks that change if methods are ranked per patient and the ranks averaged: {', '.join(other)}"


def _percent(table: Table) -> str:
    return f"{100 * (1 - table.scheme.alpha):g} %"


def _contrast_notes(table: Table) -> Iterator[str]:
    yield from _contrast_note(table, "best", [row.to_best for row in table.rows if row.to_best])
    yield from _contrast_note(
        table, "reference", [row.to_reference for row in table.rows if row.to_reference]
    )
    yield from _contrast_note(table, "baseline", [row.to_baseline for row in table.rows if row.to_baseline])
    if any(row.to_best or row.to_reference for row in table.rows):
        yield (
            f"{wording.EQUIVALENT}: equivalent, the difference lies within ± {table.scheme.delta:g} (two one-sided "
            "tests with the same correction); neither a small p nor an equivalence: undecided"
        )


def _contrast_note(table: Table, what: str, found: Sequence[Contrast]) -> Iterator[str]:
    if found:
        others, metrics = (
            ", ".join(dict.fromkeys(names)) for names in zip(*(c[:2] for c in found), strict=True)
        )
        yield (
            f"Δ to {_REFERENCES[what]} ({others}): mean paired difference in {metrics} with its {_percent(table)} "
            f"confidence interval over seeds and patients; p: {table.scheme.test}, {table.scheme.correction}'s "
            "correction over all pairs, as for the groups"
        )


def _row_notes(table: Table) -> Iterator[str]:
    if any(row.null for row in table.rows):
        yield f"{wording.CONTROL}: uninformative control or simple reference that every method should beat; not ranked"
    if not table.values_only and any(not r.null and r.rank is None and not r.leaky for r in table.rows):
        yield f"rank {wording.NOTHING}: a started seed lacks the primary metric; not ranked"
    if any(row.deterministic for row in table.rows):
        yield "deterministic (det.): no random numbers are used, so there is no standard deviation over seeds"
    if any(row.folds for row in table.rows):
        yield "folds differ in their training cases, seeds in their random numbers: they are not interchangeable"
    if any(map(_has_cost, table.rows)):
        yield (
            "training, s: wall-clock time; s/volume: scoring time per scan; peak GiB: maximum resident memory of the "
            "process, evaluation included; parameters: of the networks; all as recorded by the runs"
        )


def _has_cost(row: Row) -> bool:
    return row.cost.score_s is not None or row.cost.parameters is not None
