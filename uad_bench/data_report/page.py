"""The page of a prepared dataset: what came of it, what failed, every case's figures, and the sheets of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uad_bench.data_report.outliers import FEWEST, Ranked
from uad_bench.errors import UadError
from uad_bench.leaderboard.render import html
from uad_bench.leaderboard.render.escape import printable

TEMPLATE = "page.html"
#: Iglewicz and Hoaglin's bar for a possible outlier.
FAR = 3.5


@dataclass(frozen=True)
class Sheet:
    """A picture of some cases. file: its name beside the page; warnings: (case id, sentences) where there are."""

    file: str
    title: str
    width: int
    height: int
    warnings: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A figure of a case; far: it is unlike the cohort's."""

    text: str
    far: bool = False


@dataclass(frozen=True)
class Row:
    """A case of the table; sheet: the file with its picture."""

    case_id: str
    label: str
    warnings: tuple[str, ...]
    farthest: str
    cells: tuple[Cell, ...]
    sheet: str


@dataclass(frozen=True)
class Failure:
    """A case that could not be prepared."""

    where: str
    code: str
    text: str

    @classmethod
    def of(cls, error: UadError) -> "Failure":
        """What the error says."""
        return cls(
            printable(error.where), error.code, printable(": ".join(t for t in (error.what, error.hint) if t))
        )


@dataclass(frozen=True)
class Page:
    """All that the page shows. about: (name, text) of the head; order: how cases are sorted; steps: YAML."""

    title: str
    subtitle: str
    about: tuple[tuple[str, str], ...]
    order: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    sheets: tuple[Sheet, ...]
    steps: str


def render_page(page: Page) -> str:
    """The HTML, in one piece but for the pictures. Every text from outside is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader([Path(__file__).parent, Path(html.__file__).parent])
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(TEMPLATE).render(page=page)


def columns(cases: Sequence[Ranked]) -> tuple[str, ...]:
    """The names of all figures that any case has, in the order in which they are first met."""
    every = (name for one in cases for name in (*one.facts.counted, *one.facts.measured))
    return tuple(dict.fromkeys(every))


def row(one: Ranked, names: Sequence[str], sheet: str) -> Row:
    """A line of the table."""
    facts, values = one.facts, {**one.facts.counted, **one.facts.measured}
    cells = tuple(
        Cell(number(values[name]), abs(one.z.get(name, 0)) > FAR) if name in values else Cell("")
        for name in names
    )
    return Row(printable(facts.case_id), printable(facts.label), facts.warnings, farthest(one), cells, sheet)


def order(cases: Sequence[Ranked]) -> str:
    """How the cases are sorted, in a sentence."""
    names = ", ".join(dict.fromkeys(n.partition(", ")[0] for one in cases for n in one.facts.measured))
    few = "" if len(cases) >= FEWEST else f" (none here: it takes {FEWEST} cases)"
    return (
        "Sorted by the number of warnings, then by the largest robust z-score, 0.6745 (x - median) / MAD over "
        f"these cases{few}, of: {names}. Coloured where it is beyond {FAR}."
    )


def about(cases: Sequence[Ranked]) -> list[tuple[str, str]]:
    """For every figure the median and the range over the cases; totals for what is counted."""
    lines = []
    for name in columns(cases):
        values = [one.facts.counted.get(name, one.facts.measured.get(name)) for one in cases]
        known = np.array([value for value in values if value is not None])
        counted = any(name in one.facts.counted for one in cases)
        total = f"; {number(float(known.sum()))} in all" if counted else ""
        spread = f"{number(known.min())} to {number(known.max())}"
        lines.append(
            (name, f"median {number(float(np.median(known)))}, {spread} in {known.size} cases{total}")
        )
    return lines


def farthest(one: Ranked) -> str:
    """`dice, z = -4.1`: in what a case is unlike the others; empty where nothing tells them apart."""
    name = one.farthest.partition(", ")[0]
    return f"{name}, z = {one.z[one.farthest]:+.1f}" if one.distance else ""


def spoken(name: str, value: float) -> str:
    """`brain 1310 ml` of "brain, ml" and 1310.2."""
    word, _, unit = name.partition(", ")
    return f"{word} {number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Four digits that count: 1310, 0.9612, 1.3."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
