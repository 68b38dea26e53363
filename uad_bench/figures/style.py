"""Common style of plots: colours, markers, titles, names of files.

Every method has a colour of Okabe and Ito's, a marker and a line style, so that plots can be read without colour.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.table import Row, Table

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = "osD^vPX<>p*h"
LINES = ("-", "--", "-.", ":")
GREY, MAX_ROWS = "#767676", 60


class PlotStyle(NamedTuple):
    """Colour, marker and line style of a method, the same in all plots of a table."""

    color: str
    marker: str
    linestyle: str


def plot_style(index: int) -> PlotStyle:
    """The style of the method with this index; the first 84 differ from each other."""
    return PlotStyle(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], LINES[index % len(LINES)])


def row_styles(table: Table) -> dict[str, PlotStyle]:
    """The style of each row by label; controls are grey."""
    placed = sorted(table.rows, key=lambda row: (row.null, row.rank is None, row.rank or 0, row.label))
    found = {row.label: plot_style(index) for index, row in enumerate(placed)}
    return {
        row.label: found[row.label]._replace(color=GREY) if row.null else found[row.label] for row in placed
    }


def first_of(shown: int, rows: int, what: str = "rows") -> str:
    """A line below the title of a figure that does not show all rows: "the first 60 of 65 rows"; else nothing.

    >>> first_of(60, 65), first_of(5, 5)
    ('\\nthe first 60 of 65 rows', '')
    """
    return f"\nthe first {shown} of {rows} {what}" if shown < rows else ""


def file_stem(name: str) -> str:
    """A name as part of a file name: letters, digits and inner dots, dashes for everything else.

    >>> file_stem("../my data|1.0")
    'my-data-1.0'
    """
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:60] or "x"


def folded(name: str, width: int = 34) -> str:
    """A name on as many lines of at most `width` characters as it needs, broken after punctuation where it has any.

    >>> folded("method:variant-25d [steps=50]", 20)
    'method:variant-25d\\n[steps=50]'
    """
    lines = [""]
    for part in re.findall(r".*?(?:[:,\-_@/ ]+|$)", printable(name)):
        for piece in (part[at : at + width] for at in range(0, len(part), width)):
            if len((lines[-1] + piece).rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def legend_height(rows: Sequence[Row], width: int, least: float) -> float:
    """The height of a figure in inches, at least `least`, with a legend of all rows beside the plots.

    width: that of the labels, as of `folded`. The letters have at most 8 points.
    """
    lines = sum(folded(row.label, width).count("\n") + 1 for row in rows)
    return max(least, 1.3 + 0.14 * lines + 0.06 * len(rows))


def single_plot(width: float, height: float, table: Table | None, title: str) -> tuple[Figure, Axes]:
    """A figure of `width` by `height` inches with one plot; its title begins with that of the table."""
    figure = Figure(figsize=(width, height), layout="constrained")
    full = title if table is None else f"{wording.title(table)}\n{title}"
    figure.suptitle(printable_lines(full), fontsize=10)
    axes = figure.add_subplot()
    add_grid(axes)
    return figure, axes


def printable_lines(text: str) -> str:
    """`printable` for each line."""
    return "\n".join(map(printable, text.split("\n")))


def add_grid(axes: Axes) -> None:
    """A light grid behind the data, without top and right spines."""
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
