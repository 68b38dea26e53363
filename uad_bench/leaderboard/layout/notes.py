"""Footnotes of a table: the meaning of its marks, failures, sources of reported results. Nothing is escaped yet.

A format shows some grids of a table. Only the marks and columns of these grids are explained below it.
"""

from collections.abc import Container, Iterator, Sequence

from uad_bench.evaluate.thresholds import meaning
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.text_grid import Grid
from uad_bench.leaderboard.run_summary import SEEDS_FOR_SPREAD, SEEDS_TO_RANK
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Row, Table
from uad_bench.results.method_label import parse_label

_REFERENCES = {
    "best": "best",
    "reference": "reference, the strongest of the controls and baselines",
    "baseline": "baseline, the best method that is declared as one",
}
_COSTS = {
    "fit_s": "training, s: wall-clock time",
    "score_s": "s/volume: scoring time per scan, a mean over all test sets of a run",
    "peak_gib": "peak GiB: maximum resident memory of the process, evaluation included",
    "gpu_gib": "GPU GiB: largest GPU allocation",
    "parameters": "parameters: of the networks",
}


def notes(table: Table, grids: Sequence[Grid]) -> list[str]:
    """All footnotes below some grids of a table: legend, failures and remarks, sources."""
    return [*legend(table, grids), *failures(table), *sources(table, grids)]


def legend(table: Table, grids: Sequence[Grid]) -> list[str]:
    """The meaning of every mark in the grids, and the warnings on the statistics of the table."""
    return [
        *_value_notes(table, grids),
        *_threshold_notes(grids),
        *_rank_notes(table, grids),
        *_contrast_notes(table, grids),
        *_row_notes(table),
        *_cost_note(_keys(grids)),
        *table.warnings,
    ]


def _keys(grids: Sequence[Grid]) -> set[str]:
    return {heading.key for grid in grids for heading in grid.headings}


def _has_text(grids: Sequence[Grid], key: str, part: str) -> bool:
    """Whether an entry of the columns with a key ("" for all) contains a text."""
    return any(
        part in entry.text
        for grid in grids
        for row in grid.rows
        for heading, entry in zip(grid.headings, row, strict=True)
        if key in {"", heading.key}
    )


def failures(table: Table) -> list[str]:
    """Runs without results, and permanent remarks on rows."""
    lines = [f"no result: {failure}" for row in table.rows for failure in row.failures]
    marks = dict.fromkeys(mark for row in table.rows for mark in row.marks)
    lines += [f"remark: {mark}" for mark in marks]
    if any(row.leaky for row in table.rows):
        lines.append("leak: test and training data are not independent; not a valid result, never ranked")
    return lines


def sources(table: Table, grids: Sequence[Grid]) -> Iterator[str]:
    """The sources of reported results, where a grid has them."""
    found = dict.fromkeys(paper.source for row in table.rows for paper in row.reported)
    if found and "provenance" in _keys(grids):
        yield (
            "reported: as printed in the source (± too, which may be over folds), obtained under a different protocol "
            f"(cases, preparation, thresholds), not ranked; source: {'; '.join(found)}"
        )


def _value_notes(table: Table, grids: Sequence[Grid]) -> Iterator[str]:
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
    keys, primary = _keys(grids), ("all", table.primary)
    if any(
        name == primary and cell.low is not None for row in table.rows for name, cell in row.cells.items()
    ):
        yield (
            f"[a, b] {wording.percent(table)} confidence interval of the primary metric, seeds and patients both "
            f"treated as random: {table.scheme.interval}"
        )
        yield from _symmetric_notes(table)
        if any(key.startswith(f"{stratum}:") for stratum in table.strata for key in keys):
            yield "strata (site, sex, ...) are small and overlap: they have no confidence interval"
    if _has_text(grids, "", "undefined"):
        yield "undefined: number of cases in which the metric is not defined; they are excluded from the mean"
    if any(heading.oracle for grid in grids for heading in grid.headings):
        yield f"{wording.DAGGER} oracle: uses the test labels and is never used for ranking; {_best_dice(table)}"
    if any(key.startswith("ap_gain") for key in keys):
        yield "AP gain: (AP − prevalence) / (1 − prevalence); 0 for random scores, 1 for a perfect map"


def _symmetric_notes(table: Table) -> Iterator[str]:
    """The rows whose interval of the primary metric is not on the logit scale, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in table.rows:
        cell = row.cells.get(("all", table.primary))
        if cell and cell.interval.startswith("symmetric"):
            by_reason.setdefault(cell.interval, []).append(row.label)
    for reason, labels in by_reason.items():
        rows = "all rows" if len(labels) == len(table.rows) else ", ".join(labels)
        yield f"[a, b] is not on the logit scale but {reason} ({rows})"


def _threshold_notes(grids: Sequence[Grid]) -> Iterator[str]:
    for rule in sorted({key.partition("@")[2] for key in _keys(grids)}):
        if told := meaning(rule):
            yield f"@{rule}: the threshold is {told}"


def _best_dice(table: Table) -> str:
    """Whether Dice at the threshold of the largest Dice is the best possible one."""
    if not table.after_threshold:
        return "best possible Dice: at the threshold with the largest Dice"
    steps = ", ".join(table.after_threshold)
    return (
        f"not the best possible Dice, since {steps} changes the thresholded map after the threshold is found"
    )


def _rank_notes(table: Table, grids: Sequence[Grid]) -> Iterator[str]:
    rows, scheme = table.rows, table.scheme
    if _has_text(grids, "rank", "["):
        yield (
            f"rank [a–b]: {wording.percent(table)} percentile bootstrap interval of the rank, {scheme.draws} resamples "
            f"of the patients (seed {scheme.seed})"
        )
    if table.tau is not None:
        yield (
            f"Kendall's tau-b between this ranking and those of {scheme.draws} resamples of the patients: mean "
            f"{table.tau:.2f} (1: identical)"
        )
    if "group" in _keys(grids):
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


def _contrast_notes(table: Table, grids: Sequence[Grid]) -> Iterator[str]:
    headings = {heading.key: heading.text for grid in grids for heading in grid.headings}
    shown = [what for what in _REFERENCES if f"delta_{what}" in headings]
    intervals = any(wording.POINTWISE in headings[f"delta_{what}"] for what in shown)
    for what in shown:
        contrasts = [getattr(row, f"to_{what}") for row in table.rows]
        yield from _contrast_note(table, what, [found for found in contrasts if found], intervals=intervals)
    if shown and (reading := wording.contrast_reading(table, intervals=intervals)):
        yield reading
    if shown:
        yield (
            f"{wording.EQUIVALENT}: equivalent, the difference lies within ± {table.scheme.delta:g} (two one-sided "
            "tests with the same correction); neither a small p nor an equivalence: undecided"
        )


def _contrast_note(table: Table, what: str, found: Sequence[Contrast], *, intervals: bool) -> Iterator[str]:
    if found:
        others, metrics = (
            ", ".join(dict.fromkeys(names)) for names in zip(*(c[:2] for c in found), strict=True)
        )
        interval = f" with its {wording.POINTWISE} {wording.percent(table)} confidence interval over seeds and patients"
        yield (
            f"Δ to {_REFERENCES[what]} ({others}): mean paired difference in {metrics}"
            f"{interval if intervals else ''}; p: {table.scheme.test}, "
            f"{table.scheme.correction}'s correction over all pairs of the ranked rows and the reference rows"
        )


def _row_notes(table: Table) -> Iterator[str]:
    if any(row.null for row in table.rows):
        yield f"{wording.CONTROL}: uninformative control or simple reference that every method should beat; not ranked"
    if not table.values_only and any(not r.null and r.rank is None and not r.leaky for r in table.rows):
        yield f"rank {wording.NOTHING}: a started seed lacks the primary metric; not ranked"
    if any(row.deterministic for row in table.rows):
        yield "deterministic (det.): no random numbers are used, so there is no standard deviation over seeds"
    if any(parse_label(row.label.partition(" ")[0]).modalities for row in table.rows):
        yield "method@t2: the method sees only these modalities of the protocol; the other rows see all of them"
    if any(row.folds for row in table.rows):
        yield "folds differ in their training cases, seeds in their random numbers: they are not interchangeable"


def _cost_note(keys: Container[str]) -> Iterator[str]:
    if shown := [text for key, text in _COSTS.items() if key in keys]:
        yield f"{'; '.join(shown)}; as recorded by the runs"
