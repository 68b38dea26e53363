"""One table over all test sets: what was measured, beside what papers printed. Nothing in it is ranked."""

from collections.abc import Iterator, Sequence

from uad_bench.leaderboard.layout import metric_columns, wording
from uad_bench.leaderboard.layout.column import Head
from uad_bench.leaderboard.layout.columns import columns
from uad_bench.leaderboard.layout.text_grid import Entry, Grid
from uad_bench.leaderboard.table import Reported, Row, Table

TITLE = "All test sets: measured beside reported"
READING = (
    "measured: mean ± sample deviation over seeds, × ratio to the prevalence, n cases with lesions; only methods of "
    "one column compare",
    "reported: as printed, under another protocol (cases, preparation, thresholds); order and ranks owe nothing to it",
    "a variant (name:variant) is not the paper's method: what was printed stands in the line of the name it is of",
)


def overview(tables: Sequence[Table], reported: Sequence[Reported]) -> Grid | None:
    """Methods as the first table has them, each after its paper's; None where nothing was printed of any of them.

    Of several rankings of a test set the first counts, and only those that share protocol and training set with
    the first table: the one of the set that was trained on, where there is one.
    """
    shown = [table for table in tables if not table.apart]
    if not shown or not reported:
        return None
    shown.sort(key=lambda table: table.key.test != table.key.train)
    shown = [table for table in shown if _origin(table) == _origin(shown[0])]
    names = _names(shown, reported)
    reported = [paper for paper in reported if paper.method in names]
    if not reported:
        return None
    sets = list(dict.fromkeys((paper.dataset, paper.modality) for paper in reported))
    heads = [Head("method", "method"), *(Head(_heading(table), table.key.test) for table in shown)]
    for one in sets:
        named = " ".join(one).strip()
        heads += [Head(f"reported {what}, {named}", ".".join((what, *one))) for what in ("AP", "Dice")]
    rows = [tuple(_cells(name, shown, reported, sets)) for name in names]
    return Grid(tuple(heads), tuple(rows), (None,) * len(rows), TITLE)


def _origin(table: Table) -> tuple[str, ...]:
    key = table.key
    return key.protocol, key.fingerprint, key.train


def _heading(table: Table) -> str:
    return f"{columns(table)[0].heading}, {table.key.test} (n={table.lesion})"


def _names(tables: Sequence[Table], reported: Sequence[Reported]) -> list[str]:
    """Labels in the tables' order; a name that was not run, but some variant of it, comes before the first."""
    labels = list(dict.fromkeys(row.label for table in tables for row in table.rows if not row.null))
    printed = list(dict.fromkeys(paper.method for paper in reported))
    found: list[str] = []
    for label in labels:
        found += [name for name in printed if _base(name) == _base(label) and name not in {*labels, *found}]
        found.append(label)
    return found


def _base(label: str) -> str:
    """`name` of `name:variant` and of `name [steps=50]`."""
    return label.partition(" ")[0].partition(":")[0]


def _cells(
    name: str, tables: Sequence[Table], reported: Sequence[Reported], sets: Sequence[tuple[str, str]]
) -> Iterator[Entry]:
    yield Entry(name)
    for table in tables:
        row = next((row for row in table.rows if row.label == name), None)
        yield Entry(_measured(table, row) if row else wording.NOTHING)
    for one in sets:
        papers = [
            paper for paper in reported if (paper.method, paper.dataset, paper.modality) == (name, *one)
        ]
        yield Entry(wording.reported_text(papers, "ap"))
        yield Entry(wording.reported_text(papers, "dice"))


def _measured(table: Table, row: Row) -> str:
    """The number, and what the ranking would say against it: a leak, seeds that are missing, or too few."""
    if row.leaky:
        return wording.rank_text(row)
    number = metric_columns.full(table, columns(table)[0]).text(row)
    if row.complete and not wording.few(row):
        return number
    seeds = str(row.done) if row.complete else f"{row.done} of {row.begun}"
    return f"{number}, {seeds} {'run' if row.folds else 'seed'}{'' if seeds == '1' else 's'}"
