"""The figures of a leaderboard, as PNG and SVG: equal arguments give equal bytes, whatever a matplotlibrc says.

Okabe and Ito's colours, and for each method a marker and a line style as well, so that no figure needs colour.
"""

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import rc_context, rcdefaults
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.table import Table
from uad_bench.support.atomic_files import write_bytes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = "osD^vPX<>p*h"
LINES = ("-", "--", "-.", ":")
GREY, DPI, MOST_ROWS = "#767676", 130, 60
#: The same ids in every SVG, and no name that is read as a formula.
STEADY: Any = {
    "svg.hashsalt": "uad-bench",
    "svg.fonttype": "path",
    "text.usetex": False,
    "text.parse_math": False,
    "axes.formatter.use_locale": False,
}


class Look(NamedTuple):
    """How a method is drawn, everywhere in one figure alike."""

    color: str
    marker: str
    linestyle: str


def look(index: int) -> Look:
    """Colours, markers and lines turn at different lengths, so that no pair looks alike among the first 84."""
    return Look(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], LINES[index % len(LINES)])


def looks(table: Table) -> dict[str, Look]:
    """How each row of a table is drawn in all of its figures, by label; null rows are grey."""
    placed = sorted(table.rows, key=lambda row: (row.null, row.rank is None, row.rank or 0, row.label))
    found = {row.label: look(index) for index, row in enumerate(placed)}
    return {
        row.label: found[row.label]._replace(color=GREY) if row.null else found[row.label] for row in placed
    }


def save(make: Callable[[], Figure | None], stem: Path) -> list[Path]:
    """Write what is made as `stem`.png and `stem`.svg; no file for None."""
    with rc_context():
        rcdefaults()
        with rc_context(STEADY):
            figure = make()
            if figure is None:
                return []
            paths = [stem.with_name(f"{stem.name}.{form}") for form in ("png", "svg")]
            for path in paths:
                write_bytes(path, _bytes(figure, path.suffix[1:]))
            return paths


def _bytes(figure: Figure, form: str) -> bytes:
    """The file's bytes, with no date and no version of the drawing library in them."""
    data = io.BytesIO()
    metadata: Mapping[str, Any] = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    figure.savefig(data, format=form, dpi=DPI, metadata=metadata)
    return data.getvalue()


def slug(name: str) -> str:
    """A stranger's name as part of a file's name: letters, digits, dots inside, dashes for the rest."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:60] or "x"


def short(name: str, longest: int = 34) -> str:
    """A method's name as it is drawn, on one line."""
    shown = printable(name)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def blank(width: float, height: float, table: Table | None, what: str) -> tuple[Figure, Axes]:
    """A figure with one plot, its title, and a faint grid."""
    figure = Figure(figsize=(width, height), layout="constrained")
    title = what if table is None else f"{wording.title(table)}\n{what}"
    figure.suptitle(printable_lines(title), fontsize=10)
    axes = figure.add_subplot()
    tidy(axes)
    return figure, axes


def printable_lines(text: str) -> str:
    """Each line as `printable` shows it."""
    return "\n".join(map(printable, text.split("\n")))


def tidy(axes: Axes) -> None:
    """A faint grid behind, no box."""
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
