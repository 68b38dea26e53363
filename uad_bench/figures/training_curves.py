"""Training curves: loss and validation of every training phase, all seeds of a method in one plot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from uad_bench.figures.figure_files import write_png
from uad_bench.figures.style import COLOURS, GREY, add_grid, folded
from uad_bench.leaderboard.render.escape import printable
from uad_bench.results.training_log import (
    LOSS,
    VALIDATION,
    LoggedSeries,
    TrainingLog,
    phases,
    plotted_quantities,
    smoothed,
    unique,
)

MAX_POINTS = 400  # of a line


def draw_training_curves(path: Path, runs: Sequence[TrainingLog], title: str) -> None:
    """Write the PNG; equal arguments give equal bytes."""
    write_png(path, lambda: training_curves(runs, title))


def training_curves(runs: Sequence[TrainingLog], title: str) -> Figure:
    """The figure: a row for each phase of each method, a column for each logged quantity.

    Validation is in the plot of the loss, dashed, with a ring at the minimum, the step whose weights are kept.
    """
    rows = [
        (method, phase) for method in unique(run.method for run in runs) for phase in phases(runs, method)
    ]
    names = {row: plotted_quantities(runs, *row) for row in rows}
    across = max((len(found) for found in names.values()), default=1)
    figure = Figure(figsize=(5.2 * across, 0.8 + 2.9 * max(len(rows), 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    grid = figure.subplots(max(len(rows), 1), across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, (method, phase) in zip(grid, rows, strict=False):
        of_method = [run for run in runs if run.method == method]
        for axes, name in zip(line, names[method, phase], strict=False):
            _draw_quantity(axes, of_method, phase, name)
            axes.set_title(f"{folded(method)}, {printable(phase)}", fontsize=9, loc="left")
    return figure


def _draw_quantity(axes: Axes, runs: Sequence[TrainingLog], phase: str, name: str) -> None:
    axes.set_axis_on()
    add_grid(axes)
    for index, run in enumerate(runs):
        colour = COLOURS[index % len(COLOURS)]
        if (phase, name) in run.series:
            _draw_line(axes, run.series[phase, name], colour, run.label, raw=len(runs) == 1)
        if name == LOSS and (phase, VALIDATION) in run.series:
            _draw_validation(axes, run.series[phase, VALIDATION], colour)
    axes.set(xlabel="step", ylabel=printable(name))
    _set_scale(axes)
    handles, labels = axes.get_legend_handles_labels()
    if any(line.get_linestyle() == "--" for line in axes.lines):
        handles.append(Line2D([], [], color=GREY, linestyle="--", marker="."))
        labels.append("validation")
    axes.legend(handles, labels, fontsize=7, frameon=False, handlelength=3, ncols=2 if len(runs) > 2 else 1)


def _draw_line(axes: Axes, series: LoggedSeries, colour: str, label: str, *, raw: bool) -> None:
    """The running mean; raw: with the logged values behind it."""
    kept = np.unique(np.linspace(0, len(series.steps) - 1, MAX_POINTS).round().astype(int))
    if raw:
        axes.plot(series.steps[kept], series.values[kept], color=colour, linewidth=0.6, alpha=0.35)
    axes.plot(
        series.steps[kept], smoothed(series.values)[kept], color=colour, linewidth=1.5, label=printable(label)
    )


def _draw_validation(axes: Axes, series: LoggedSeries, colour: str) -> None:
    axes.plot(
        series.steps,
        series.values,
        color=colour,
        linewidth=1.2,
        linestyle="--",
        marker=".",
        markersize=4,
        label="_",
    )
    if np.isfinite(series.values).any():
        best = int(np.nanargmin(series.values))
        at = series.steps[best], series.values[best]
        axes.plot(*at, "o", color=colour, markerfacecolor="none", markersize=9, label="_")


def _set_scale(axes: Axes) -> None:
    """A logarithmic axis where all values are positive and the largest is at least 5 times the smallest."""
    values = np.concatenate([np.empty(0), *(np.asarray(line.get_ydata(), float) for line in axes.lines)])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() >= 5 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
