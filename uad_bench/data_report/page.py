"""The page of a prepared dataset: summary, failed cases, measures of every case, sheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uad_bench.data_report.outliers import MIN_CASES, RankedCase
from uad_bench.errors import UadError
from uad_bench.leaderboard.render import html
from uad_bench.leaderboard.render.escape import printable

TEMPLATE = "page.html"
#: |z| of a possible outlier (Iglewicz and Hoaglin 1993).
OUTLIER_Z = 3.5


@dataclass(frozen=True)
class Sheet:
    """An image with several cases. file: its name in the folder of the page; warnings: (case id, sentences)."""

    file: str
    title: str
    width: int
    height: int
    warnings: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A value of a case; outlier: it is far from the values of the cohort."""

    text: str
    outlier: bool = False


@dataclass(frozen=True)
class CaseRow:
    """A case in the table; sheet: the file with its image."""

    case_id: str
    label: str
    warnings: tuple[str, ...]
    farthest: str
    cells: tuple[Cell, ...]
    sheet: str


@dataclass(frozen=True)
class Failure:
    """A case that cannot be prepared."""

    where: str
    code: str
    text: str

    @classmethod
    def of(cls, error: UadError) -> "Failure":
        """Location, code and text of an error."""
        text = ": ".join(part for part in (error.what, error.hint) if part)
        return cls(printable(error.where), error.code, printable(text))


@dataclass(frozen=True)
class Page:
    """Content of the page. summary: (name, text); order: how cases are sorted; steps: of the preparation, as YAML."""

    title: str
    subtitle: str
    summary: tuple[tuple[str, str], ...]
    order: str
    columns: tuple[str, ...]
    rows: tuple[CaseRow, ...]
    failures: tuple[Failure, ...]
    sheets: tuple[Sheet, ...]
    steps: str


def render_page(page: Page) -> str:
    """The HTML, without the images of the sheets. Every text from outside is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader([Path(__file__).parent, Path(html.__file__).parent])
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(TEMPLATE).render(page=page)


def value_names(cases: Sequence[RankedCase]) -> tuple[str, ...]:
    """The names of all values that any case has, in the order of first appearance."""
    names = (name for one in cases for name in (*one.facts.listed, *one.facts.compared))
    return tuple(dict.fromkeys(names))


def case_row(one: RankedCase, names: Sequence[str], sheet: str) -> CaseRow:
    """The row of a case in the table with the values `names`."""
    facts, values = one.facts, {**one.facts.listed, **one.facts.compared}
    cells = tuple(
        Cell(number_text(values[name]), abs(one.z.get(name, 0)) > OUTLIER_Z) if name in values else Cell("")
        for name in names
    )
    label = printable(facts.label)
    return CaseRow(printable(facts.case_id), label, facts.warnings, farthest_text(one), cells, sheet)


def order_text(cases: Sequence[RankedCase]) -> str:
    """The order of the cases in words."""
    names = ", ".join(dict.fromkeys(n.partition(", ")[0] for one in cases for n in one.facts.compared))
    few = "" if len(cases) >= MIN_CASES else f" (not computed for fewer than {MIN_CASES} cases)"
    return (
        "Sorted by the number of warnings, then by the largest robust z-score, 0.6745 (x - median) / MAD over "
        f"these cases{few}, of: {names}. Values with |z| above {OUTLIER_Z} are coloured."
    )


def summary_lines(cases: Sequence[RankedCase]) -> list[tuple[str, str]]:
    """(name, text) of every value: median and range over the cases, and the total of values that are only listed."""
    lines = []
    for name in value_names(cases):
        values = [one.facts.listed.get(name, one.facts.compared.get(name)) for one in cases]
        known = np.array([value for value in values if value is not None])
        listed = any(name in one.facts.listed for one in cases)
        total = f"; {number_text(float(known.sum()))} in total" if listed else ""
        spread = f"{number_text(known.min())} to {number_text(known.max())}"
        lines.append(
            (name, f"median {number_text(float(np.median(known)))}, {spread} in {known.size} cases{total}")
        )
    return lines


def farthest_text(one: RankedCase) -> str:
    """`dice, z = -4.1`: the value with the largest |z|; empty without z-scores."""
    name = one.farthest.partition(", ")[0]
    return f"{name}, z = {one.z[one.farthest]:+.1f}" if one.distance else ""


def value_text(name: str, value: float) -> str:
    """Name, value and unit.

    >>> value_text("brain, ml", 1310.2)
    'brain 1310 ml'
    """
    word, _, unit = name.partition(", ")
    return f"{word} {number_text(value)} {unit}".rstrip()


def number_text(value: float) -> str:
    """Four significant digits: 1310, 0.9612, 1.3."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
