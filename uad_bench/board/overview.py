"""One table over all test sets: what was measured, beside what papers printed of the same method. Nothing is ranked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from uad_bench.board import scores, wording
from uad_bench.board.columns import Column, columns
from uad_bench.board.heads import Head
from uad_bench.board.layout import Entry, Grid
from uad_bench.board.summary import Reported, Row, Table

TITLE = "All test sets: measured beside reported"
READING = (
    "measured: mean ± sample deviation over seeds, × ratio to the prevalence, n cases with lesions; only methods of "
    "one column compare",
    "measured as: the name of the run; a variant is not the paper's method, and no number of its is the paper's",
    "reported: as printed, under another protocol (cases, preparation, thresholds); order and ranks owe nothing to it",
)


@dataclass(frozen=True)
class Line:
    """A method of a paper, and the label that it was measured as; "" where it was not."""

    method: str
    label: str
    papers: tuple[Reported, ...]


def overview(tables: Sequence[Table], reported: Sequence[Reported]) -> Grid | None:
    """Methods as the first table has them, then those that papers alone have; None where nothing was printed.

    Of several rankings of a test set the first counts. Variants of a method follow their order in the first table,
    and the printed numbers stand once, beside the name that they were printed for or else the method's first.
    """
    shown = [table for table in tables if not table.apart]
    if not shown or not reported:
        return None
    shown.sort(key=lambda table: table.key.test != table.key.train)
    sets = list(dict.fromkeys(paper.dataset for paper in reported))
    heads = [Head("method", "method"), Head("measured as", "label")]
    heads += [Head(_heading(table), table.key.test) for table in shown]
    heads += [Head(f"reported {what}, {name}", f"{what}.{name}") for name in sets for what in ("AP", "Dice")]
    lines = list(_lines(shown, reported))
    rows = [tuple(_cells(line, shown, sets)) for line in lines]
    return Grid(tuple(heads), tuple(rows), (None,) * len(rows), TITLE)


def _heading(table: Table) -> str:
    return f"{columns(table)[0].heading}, {table.key.test} (n={table.lesion})"


def _lines(tables: Sequence[Table], reported: Sequence[Reported]) -> Iterator[Line]:
    labels = [row.label for table in tables for row in table.rows if not row.null]
    by_method: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        by_method.setdefault(_base(label), []).append(label)
    printed = dict.fromkeys(_base(paper.method) for paper in reported)
    for method in [*by_method, *(name for name in printed if name not in by_method)]:
        papers = tuple(paper for paper in reported if _base(paper.method) == method)
        names = {paper.method for paper in papers} or {method}
        own, *others = sorted(by_method.get(method, [""]), key=lambda label: label not in names)
        yield Line(method, own, papers)
        yield from (Line(method, label, ()) for label in others)


def _base(label: str) -> str:
    """`name` of `name:variant` and of `name [steps=50]`."""
    return label.partition(" ")[0].partition(":")[0]


def _cells(line: Line, tables: Sequence[Table], sets: Sequence[str]) -> Iterator[Entry]:
    yield Entry(line.method)
    yield Entry(line.label or wording.NOTHING)
    for table in tables:
        row = next((row for row in table.rows if row.label == line.label), None)
        yield Entry(_measured(table, columns(table)[0], row) if row else wording.NOTHING)
    for name in sets:
        papers = [paper for paper in line.papers if paper.dataset == name]
        yield Entry(wording.reported_text(papers, "ap"))
        yield Entry(wording.reported_text(papers, "dice"))


def _measured(table: Table, column: Column, row: Row) -> str:
    return scores.full(table, column).text(row)
