"""Accuracy against computational cost: which methods no other method beats in both."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from uad_bench.figures.style import (
    GREY,
    PlotStyle,
    add_grid,
    folded,
    legend_height,
    printable_lines,
    row_styles,
)
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.cost_points import (
    COSTS,
    Point,
    accuracy_heading,
    cost_points,
    measured_devices,
    measured_rows,
    pareto_labels,
    withheld,
    withheld_text,
)
from uad_bench.leaderboard.render.charts.chart import round_ticks, short
from uad_bench.leaderboard.table import Row, Table


def cost_plot(table: Table) -> Figure | None:
    """The primary metric against each recorded cost; the Pareto set ringed and on a line, controls hollow.

    Controls, rows with a data leak and rows with missing seeds are not in the Pareto set. Of rows that were measured on
    several devices the figure has no times, which would not be comparable. None without a recorded cost.
    """
    rows, devices, shown = measured_rows(table), measured_devices(table), cost_points(table)
    if not shown:
        return None
    across = min(len(shown), 2)
    down = -(-len(shown) // across)
    height = legend_height(rows, width=34, least=3.2 * down + 0.6)
    figure = Figure(figsize=(4.2 * across + 2.6, height), layout="constrained")
    measured = f", measured on {', '.join(devices)}" if devices else ""
    title = f"{accuracy_heading(table)} against computational cost{measured}"
    heads = [wording.title(table), title, *([withheld_text(table)] if withheld(table) else [])]
    figure.suptitle(printable_lines("\n".join(heads)), fontsize=10)
    styles = row_styles(table)
    for place, (name, points) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(down, across, place)
        _draw(axes, points, styles, table)
        axes.set(xlabel=COSTS[name], ylabel=accuracy_heading(table))
    figure.legend(handles=_legend(rows, styles), fontsize=7, frameon=False, loc="outside right upper")
    return figure


def _draw(axes: Axes, points: dict[str, Point], styles: dict[str, PlotStyle], table: Table) -> None:
    """Points on a logarithmic axis of cost; a cost of 0 has a place of its own at the left, with the tick 0."""
    add_grid(axes)
    hollow = {row.label for row in table.rows if row.null}
    positive = [cost for cost, _ in points.values() if cost > 0]
    zero = min(positive) / 3
    placed = {label: (cost or zero, accuracy) for label, (cost, accuracy) in points.items()}
    for label, (cost, accuracy) in placed.items():
        style = styles[label]
        face = "white" if label in hollow else style.color
        axes.plot(cost, accuracy, style.marker, color=style.color, markerfacecolor=face, markersize=7)
    best = [placed[label] for label in pareto_labels(table, points)]
    line = np.transpose(best or [(np.nan, np.nan)])
    axes.step(*line, where="post", color=GREY, linewidth=1, zorder=0)
    axes.plot(*line, "o", color=GREY, markerfacecolor="none", markersize=12, markeredgewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.margins(0.08)
    ticks = ([zero] if len(positive) < len(points) else []) + round_ticks(min(positive), max(positive))
    axes.set_xticks(ticks, ["0" if tick == zero else short(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _legend(rows: Sequence[Row], styles: dict[str, PlotStyle]) -> list[Line2D]:
    marks = [
        Line2D([], [], linestyle="", marker=one.marker, color=one.color, label=folded(row.label),
               markerfacecolor="white" if row.null else one.color)
        for row, one in ((row, styles[row.label]) for row in rows)
    ]  # fmt: skip
    pareto = Line2D([], [], color=GREY, linewidth=1, marker="o", markersize=9, markerfacecolor="none")
    pareto.set_label("Pareto set")
    return [*marks, pareto]
