"""Accuracy against computational cost: which methods no other method beats in both."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from uad_bench.figures.style import GREY, PlotStyle, add_grid, folded, printable_lines, row_styles
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.table import Row, Table

#: The costs of a row, by field of `Cost`: heading of the axis.
COSTS = {
    "score_s": "scoring, s per volume",
    "fit_s": "training, s",
    "peak_mib": "memory of the process, MiB",
    "gpu_mib": "memory of the GPU, MiB",
    "parameters": "parameters of the network",
}

#: Costs that depend on the device.
TIMES = ("score_s", "fit_s")
Point = tuple[float, float]
MOST_TICKS = 8


def pareto_set(points: Sequence[Point]) -> list[bool]:
    """Which points (cost, accuracy) no other point beats: as cheap and as accurate, and better in one of the two.

    >>> pareto_set([(1, 0.2), (2, 0.5), (3, 0.4), (2, 0.5)])
    [True, True, False, True]
    """
    return [not any(_beats(other, one) for other in points) for one in points]


def _beats(one: Point, other: Point) -> bool:
    return one != other and one[0] <= other[0] and one[1] >= other[1]


def cost_plot(table: Table) -> Figure | None:
    """The primary metric against each recorded cost; the Pareto set ringed and on a line, controls hollow.

    Controls, rows with a data leak and rows with missing seeds are not in the Pareto set. Of rows that were measured on
    several devices the figure has no times, which would not be comparable. None without a recorded cost.
    """
    rows = [row for row in table.rows if row.mean(("all", table.primary)) is not None]
    devices = sorted({row.cost.device for row in rows} - {""})
    names = [name for name in COSTS if len(devices) < 2 or name not in TIMES]
    shown = {name: points for name in names if (points := _points(table, rows, name))}
    if not shown:
        return None
    across = min(len(shown), 2)
    down = -(-len(shown) // across)
    figure = Figure(figsize=(4.2 * across + 2.6, 3.2 * down + 0.6), layout="constrained")
    measured = f", measured on {', '.join(devices)}" if devices else ""
    title = f"{table.primary} against computational cost{measured}"
    figure.suptitle(printable_lines(f"{wording.title(table)}\n{title}"), fontsize=10)
    styles = row_styles(table)
    for place, (name, points) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(down, across, place)
        _draw(axes, points, styles, rows)
        axes.set(xlabel=COSTS[name], ylabel=table.primary)
    figure.legend(handles=_legend(rows, styles), fontsize=7, frameon=False, loc="outside right upper")
    return figure


def _points(table: Table, rows: Sequence[Row], name: str) -> dict[str, Point]:
    """(cost, accuracy) by label of the rows with this cost; empty where it is 0 in all of them."""
    found = {
        row.label: (float(cost), row.mean(("all", table.primary)) or 0.0)
        for row in rows
        if (cost := getattr(row.cost, name)) is not None
    }
    return found if any(cost for cost, _ in found.values()) else {}


def _draw(axes: Axes, points: dict[str, Point], styles: dict[str, PlotStyle], rows: Sequence[Row]) -> None:
    """Points on a logarithmic axis of cost; a cost of 0 has a place of its own at the left, with the tick 0."""
    add_grid(axes)
    hollow = {row.label for row in rows if row.null}
    eligible = {row.label for row in rows if not row.null and not row.leaky and row.complete}
    positive = [cost for cost, _ in points.values() if cost > 0]
    zero = min(positive) / 3
    placed = {label: (cost or zero, accuracy) for label, (cost, accuracy) in points.items()}
    for label, (cost, accuracy) in placed.items():
        style = styles[label]
        face = "white" if label in hollow else style.color
        axes.plot(cost, accuracy, style.marker, color=style.color, markerfacecolor=face, markersize=7)
    methods = [point for label, point in placed.items() if label in eligible]
    best = sorted(one for one, kept in zip(methods, pareto_set(methods), strict=True) if kept)
    line = np.transpose(best or [(np.nan, np.nan)])
    axes.step(*line, where="post", color=GREY, linewidth=1, zorder=0)
    axes.plot(*line, "o", color=GREY, markerfacecolor="none", markersize=12, markeredgewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.margins(0.08)
    ticks = ([zero] if len(positive) < len(points) else []) + _round(min(positive), max(positive))
    axes.set_xticks(ticks, ["0" if tick == zero else _short(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _short(value: float) -> str:
    """A number as a tick: 0.5, 200, 20k, 5M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e6 if letter == 'M' else 1e3):g}{letter}"
    return f"{value:g}"


def _round(low: float, high: float) -> list[float]:
    """Ticks of 1, 2 and 5 times powers of ten around a range; powers of ten alone where they are more than eight.

    >>> _round(0.3, 40)
    [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    known = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    begin = max(i for i, tick in enumerate(known) if tick <= low)
    end = min(i for i, tick in enumerate(known) if tick >= high)
    found = known[begin : end + 1]
    return found if len(found) <= MOST_TICKS else [tick for tick in found if f"{tick:e}"[0] == "1"]


def _legend(rows: Sequence[Row], styles: dict[str, PlotStyle]) -> list[Line2D]:
    marks = [
        Line2D([], [], linestyle="", marker=one.marker, color=one.color, label=folded(row.label),
               markerfacecolor="white" if row.null else one.color)
        for row, one in ((row, styles[row.label]) for row in rows)
    ]  # fmt: skip
    pareto = Line2D([], [], color=GREY, linewidth=1, marker="o", markersize=9, markerfacecolor="none")
    pareto.set_label("Pareto set")
    return [*marks, pareto]
