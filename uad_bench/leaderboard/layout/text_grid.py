"""Table -> headings and rows of text, the same for every format that people read."""

from collections.abc import Sequence
from dataclasses import dataclass

from uad_bench.leaderboard.layout.columns import (
    Column,
    Heading,
    bare_rank_column,
    contrast_columns,
    cost_columns,
    method_column,
    method_columns,
    rank_columns,
    reported_columns,
    track_column,
)
from uad_bench.leaderboard.layout.metric_columns import (
    ShownMetric,
    detection_metrics,
    metric_column,
    separate_columns,
    short_column,
    shown_metrics,
    step_metrics,
    subgroup_metrics,
)
from uad_bench.leaderboard.layout.wording import names_track
from uad_bench.leaderboard.table import Row, Table

#: Metric columns that fit next to rank and method: in 80 characters, and, with deviations, on a printed page.
ACROSS_TERMINAL, ACROSS_PAGE = 8, 5
LESION_KINDS, POSTPROCESSING = "by lesion kind", "post-processing ablation"


@dataclass(frozen=True)
class Entry:
    """The text of one place. best: no ranked row has a better value in the column.

    value: what the place is sorted by, None where it is sorted by its text or has no value.
    """

    text: str
    best: bool = False
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """Headings over rows of equally many entries; the heading "method" marks the column with the labels.

    sources: the table row behind each row of entries, None for the row "prevalence".
    """

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Entry, ...], ...]
    sources: tuple[Row | None, ...]
    title: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the headings."""
        return tuple(heading.text for heading in self.headings)

    @property
    def method(self) -> int:
        """Index of the column with the labels, which is aligned to the left, all others to the right."""
        return self.texts.index("method")


def full_grid(table: Table) -> Grid:
    """All columns, without lesion kinds and strata."""
    primary, *others = shown_metrics(table)
    return _grid(
        table,
        [
            *rank_columns(table),
            *method_columns(table),
            metric_column(table, primary, interval=True),
            *(metric_column(table, shown) for shown in others),
            *contrast_columns(table),
            track_column(),
            *cost_columns(table),
            *reported_columns(table),
        ],
    )


def short_grid(table: Table) -> Grid:
    """At most eight columns: rank, method, seeds, primary metric, difference to the best row, Dice at a threshold
    without test labels, false-positive rate in healthy scans, scoring time; the track where readers need it."""
    primary, *others = shown_metrics(table)
    fair = [one for one in others if one.name[1].startswith("dice@") and not one.oracle]
    healthy = [one for one in others if one.name[0] == "healthy"]
    chosen = [*sorted(fair, key=_fair_order)[:1], *sorted(healthy, key=_fair_order)[:1]]
    _, seeds, _ = method_columns(table)
    return _grid(
        table,
        [
            bare_rank_column(),
            method_column(),
            seeds,
            metric_column(table, primary, interval=True, with_cases=False),
            *[c for c in contrast_columns(table) if c.heading.key == "delta_best"],
            *(metric_column(table, one) for one in chosen),
            *[c for c in cost_columns(table) if c.heading.key == "score_s"],
            *([track_column()] if names_track(table) else []),
        ],
    )


def _fair_order(shown: ShownMetric) -> tuple[bool, str]:
    """The 98 % quantile of healthy scans first: it uses no label."""
    return not shown.name[1].endswith("@healthy_q98"), shown.name[1]


def lesion_kind_grid(table: Table) -> Grid | None:
    """The primary metric by lesion kind; None without values."""
    shown = [metric_column(table, metric) for metric in subgroup_metrics(table, table.lesion_kinds)]
    return _grid(table, [*_names(), *shown], title=LESION_KINDS) if shown else None


def stratum_grids(table: Table) -> list[Grid]:
    """The primary metric by stratum, one grid for each variable: "by site", "by sex"."""
    variables: dict[str, list[str]] = {}
    for stratum in table.strata:
        variables.setdefault(stratum.partition("=")[0], []).append(stratum)
    found = []
    for name, groups in variables.items():
        shown = [metric_column(table, metric) for metric in subgroup_metrics(table, groups)]
        if shown:
            found.append(_grid(table, [*_names(), *shown], title=f"by {name}"))
    return found


def detection_grids(table: Table) -> list[Grid]:
    """Recall of lesions by a trait, one grid for each: "recall by lesion size, at healthy_q98"."""
    rule, by_trait = detection_metrics(table)
    found = []
    for trait, shown in by_trait.items():
        columns = [metric_column(table, metric) for metric in shown]
        at = f", at {rule}" if rule else ""
        found.append(_grid(table, [*_names(), *columns], title=f"recall by lesion {trait}{at}"))
    return found


def postprocessing_grid(table: Table) -> Grid | None:
    """Post-processing ablation: the primary metric after each step; None without values."""
    shown = [metric_column(table, metric) for metric in step_metrics(table)]
    return _grid(table, [*_names(), *shown], title=POSTPROCESSING) if shown else None


def terminal_grids(table: Table) -> list[Grid]:
    """Grids of about 80 characters: ranks, other metrics, differences and costs, reported results, lesion kinds.

    Only the primary metric has its standard deviation; a value that lacks seeds or cases has a star.
    """
    primary, *others = shown_metrics(table)
    first = [*method_columns(table, brief=True), *separate_columns(table, primary)]
    metrics = [short_column(table, shown) for shown in others]
    kinds = [short_column(table, shown) for shown in subgroup_metrics(table, table.lesion_kinds)]
    tracks = [track_column()] if names_track(table) else []
    differences = [*contrast_columns(table, brief=True), *tracks, *cost_columns(table)]
    return _parts(
        table, first, [*_chunks(metrics, ACROSS_TERMINAL), differences], _chunks(kinds, ACROSS_TERMINAL)
    )


def printed_grids(table: Table) -> list[Grid]:
    """The same grids for a printed page (LaTeX), every value with its standard deviation."""
    primary, *others = shown_metrics(table)
    first = [*method_columns(table), metric_column(table, primary, interval=True)]
    metrics = [metric_column(table, shown) for shown in others]
    kinds = [metric_column(table, shown) for shown in subgroup_metrics(table, table.lesion_kinds)]
    rest = [*_chunks(metrics, ACROSS_PAGE), contrast_columns(table), cost_columns(table)]
    return _parts(table, first, rest, _chunks(kinds, ACROSS_PAGE))


def _parts(
    table: Table,
    first: Sequence[Column],
    metrics: Sequence[Sequence[Column]],
    kinds: Sequence[Sequence[Column]],
) -> list[Grid]:
    """The grid of ranks, then the others that have a column, each beginning with rank and method."""
    parts = [*metrics, reported_columns(table)]
    return [
        _grid(table, [*rank_columns(table), *first]),
        *(_grid(table, [*_names(), *columns]) for columns in parts if columns),
        *(_grid(table, [*_names(), *columns], title=LESION_KINDS) for columns in kinds),
    ]


def _chunks(columns: Sequence[Column], size: int) -> list[Sequence[Column]]:
    return [columns[at : at + size] for at in range(0, len(columns), size)]


def _names() -> list[Column]:
    """Rank and method, with which every grid but the first begins."""
    return [bare_rank_column(), method_column()]


def _grid(table: Table, columns: Sequence[Column], title: str = "") -> Grid:
    rows = [tuple(_entry(column, row) for column in columns) for row in table.rows]
    sources: list[Row | None] = list(table.rows)
    if any(column.chance is not None for column in columns):
        rows.insert(0, tuple(Entry(column.chance_text, value=column.chance) for column in columns))
        sources.insert(0, None)
    return Grid(tuple(column.heading for column in columns), tuple(rows), tuple(sources), title)


def _entry(column: Column, row: Row) -> Entry:
    return Entry(column.text(row), row.label in column.best, column.value(row) if column.value else None)
