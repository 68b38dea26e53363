"""One table over all test sets: measured results next to those reported in papers. Nothing in it is ranked.

Methods of all tracks are in it; where there are several, a column names the track of each.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.columns import Heading
from uad_bench.leaderboard.layout.metric_columns import metric_column, shown_metrics
from uad_bench.leaderboard.layout.text_grid import Entry, Grid
from uad_bench.leaderboard.table import Reported, Row, Table
from uad_bench.results.method_label import parse_label

TITLE = "All test sets: measured and reported results"
NOTES = (
    "measured: mean ± sample standard deviation (ddof = 1) over seeds, × ratio to the prevalence, n: cases with "
    "lesions; only values within a column are comparable",
    "reported: as printed in the source (± too, which may be over folds), obtained under a different protocol (cases, "
    "preparation, thresholds); neither the order nor the ranks use them",
    "reported results are in the row of the published method; a variant (name:variant) may differ from it in training, "
    "weights or network, and its page says how",
)
LEFT_OUT_NOTE = (
    "not in this table, since protocol, training set or cases differ from those of the tables in it"
)
TRACKS_NOTE = (
    "methods of different tracks learn from different information, so each track has a ranking of its own"
)


def overview_notes(tables: Sequence[Table]) -> list[str]:
    """The remarks below the overview: what the measured rows were trained on, in words, and which tables it lacks."""
    shown = _shown(tables)
    every = _all_tracks(shown, tables)
    trained = dict.fromkeys(wording.trained_on(table.key) for table in shown)
    notes = [f"measured rows: trained on {', '.join(trained)}, whatever the test set", *NOTES]
    keys = {table.key for table in every}
    if left_out := [wording.title(table) for table in tables if table.key not in keys]:
        notes.append(f"{LEFT_OUT_NOTE}: {'; '.join(left_out)}")
    tracks = [wording.track(table.key) for table in every]
    return notes if len(set(tracks)) < 2 else [*notes, *dict.fromkeys(tracks), TRACKS_NOTE]


def overview(tables: Sequence[Table], reported: Sequence[Reported]) -> Grid | None:
    """Methods in the order of the first table, each variant after the published method; None without reported results.

    Of several rankings of a test set the first is used, and only those with the protocol and training set of the first
    table, which is that of the training dataset if there is one.
    """
    shown = _shown(tables)
    if not shown or not reported:
        return None
    every = _all_tracks(shown, tables)
    names = _names(every, reported)
    reported = [paper for paper in reported if paper.method in names]
    if not reported:
        return None
    printed = _printed(reported)
    headings = [Heading("method", "method")]
    headings += [Heading(_heading(table), table.key.test) for table in shown]
    headings += [
        Heading(
            f"reported {_WORDS[one.what]}, {one.name}", f"{_WORDS[one.what]}.{one.dataset}.{one.modality}"
        )
        for one in printed
    ]
    columns = [_tables_of(table, every) for table in shown]
    rows = [tuple(_entries(name, columns, reported, printed)) for name in names]
    if len({table.key.track for table in every}) > 1:
        headings.insert(1, Heading("track", "track"))
        rows = [(first, Entry(_track(first.text, every)), *rest) for first, *rest in rows]
    return Grid(tuple(headings), tuple(rows), (None,) * len(rows), TITLE)


def _shown(tables: Sequence[Table]) -> list[Table]:
    """The first ranking of every test set, those with the protocol and training set of the first one."""
    shown = [table for table in tables if not table.not_comparable]
    shown.sort(key=lambda table: table.key.test != table.key.train)
    return [table for table in shown if _origin(table) == _origin(shown[0])]


class _Printed(NamedTuple):
    """A column of reported results. what: average precision or Dice."""

    dataset: str
    modality: str
    what: Literal["ap", "dice"]

    @property
    def name(self) -> str:
        return f"{self.dataset} {self.modality}".strip()


_WORDS = {"ap": "AP", "dice": "Dice"}


def _printed(reported: Sequence[Reported]) -> list[_Printed]:
    """A column for each dataset, modality and metric of which a paper reports a value."""
    kinds: tuple[Literal["ap", "dice"], ...] = ("ap", "dice")
    datasets = dict.fromkeys((paper.dataset, paper.modality) for paper in reported)
    known = {
        (p.dataset, p.modality, what) for p in reported for what in kinds if getattr(p, what) is not None
    }
    return [_Printed(*one, what) for one in datasets for what in kinds if (*one, what) in known]


def _tables_of(table: Table, tables: Sequence[Table]) -> list[Table]:
    """The tables of all tracks with the data and protocol of one of them."""
    return [other for other in tables if other.key.without_track == table.key.without_track]


def _all_tracks(shown: Sequence[Table], tables: Sequence[Table]) -> list[Table]:
    """The shown tables, each followed by those of other tracks."""
    return [
        other for table in shown for other in sorted(_tables_of(table, tables), key=lambda t: t is not table)
    ]


def _track(label: str, tables: Sequence[Table]) -> str:
    """The tracks in which a row is ranked; "–" for a row without a run."""
    found = dict.fromkeys(table.key.track for table in tables for row in table.rows if row.label == label)
    return ", ".join(found) or wording.NOTHING


def _origin(table: Table) -> tuple[str, ...]:
    key = table.key
    return key.protocol, key.fingerprint, key.train


def _heading(table: Table) -> str:
    return f"{shown_metrics(table)[0].heading}, {table.key.test} (n={table.lesion})"


def _names(tables: Sequence[Table], reported: Sequence[Reported]) -> list[str]:
    """Labels in the order of the tables; a published method of which only a variant was run precedes that variant."""
    labels = list(dict.fromkeys(row.label for table in tables for row in table.rows if not row.null))
    printed = list(dict.fromkeys(paper.method for paper in reported))
    found: list[str] = []
    for label in labels:
        found += [
            name
            for name in printed
            if _base_name(name) == _base_name(label) and name not in {*labels, *found}
        ]
        found.append(label)
    return found


def _base_name(label: str) -> str:
    """`name` of `name:variant`, of `name@t2` and of `name [steps=50]`."""
    return parse_label(label.partition(" ")[0]).name


def _entries(
    name: str,
    columns: Sequence[Sequence[Table]],
    reported: Sequence[Reported],
    printed: Sequence[_Printed],
) -> Iterator[Entry]:
    yield Entry(name)
    for tables in columns:
        found = ((table, row) for table in tables for row in table.rows if row.label == name)
        yield Entry(next((_measured(table, row) for table, row in found), wording.NOTHING))
    for one in printed:
        papers = [
            paper for paper in reported if (paper.method, paper.dataset, paper.modality) == (name, *one[:2])
        ]
        yield Entry(wording.reported_text(papers, one.what))


def _measured(table: Table, row: Row) -> str:
    """The value, with what limits it in the ranking: a data leak, missing seeds, or few seeds."""
    if row.leaky:
        return wording.rank_text(row)
    value = metric_column(table, shown_metrics(table)[0]).text(row)
    if row.complete and not wording.is_of_few_seeds(row):
        return value
    seeds = str(row.done) if row.complete else f"{row.done} of {row.started}"
    return f"{value}, {seeds} {'run' if row.folds else 'seed'}{'' if seeds == '1' else 's'}"
