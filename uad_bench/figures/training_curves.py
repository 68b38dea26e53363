"""Training curves: loss and validation of every phase, the seeds of a method over each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from uad_bench.figures.slice_drawing import write_png
from uad_bench.figures.style import COLOURS, GREY, short, tidy
from uad_bench.leaderboard.render.escape import printable

Numbers = npt.NDArray[np.float64]
VALIDATION, LOSS = "validation", "loss"
MOST_POINTS, SMOOTH = 400, 50  # points of a line; a line's running mean is over this share of its steps


@dataclass(frozen=True, eq=False)
class Series:
    """One logged figure: steps (n,) and values (n,), NaN where it was not finite."""

    steps: Numbers
    values: Numbers


@dataclass(frozen=True, eq=False)
class Training:
    """What one run logged. method: which curves belong together; label: what tells it from the others ("seed 0").

    series: by phase and name of the figure, in the order of training.
    """

    method: str
    label: str
    series: Mapping[tuple[str, str], Series]


def draw_training(path: Path, runs: Sequence[Training], title: str) -> None:
    """Write the PNG; equal arguments give equal bytes."""
    write_png(path, lambda: training(runs, title))


def training(runs: Sequence[Training], title: str) -> Figure:
    """The figure: a row for each phase of each method, a column for each figure that it logged.

    Validation stands in the panel of the loss, dashed, with a ring at the lowest, whose weights are kept.
    """
    rows = [
        (method, phase) for method in _unique(run.method for run in runs) for phase in phases(runs, method)
    ]
    names = {row: panels(runs, *row) for row in rows}
    across = max((len(found) for found in names.values()), default=1)
    figure = Figure(figsize=(5.2 * across, 0.8 + 2.9 * max(len(rows), 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    grid = figure.subplots(max(len(rows), 1), across, squeeze=False)
    for place in grid.flat:
        place.set_axis_off()
    for places, (method, phase) in zip(grid, rows, strict=False):
        ours = [run for run in runs if run.method == method]
        for place, name in zip(places, names[method, phase], strict=False):
            _draw_panel(place, ours, phase, name)
            place.set_title(printable(f"{short(method)}, {phase}"), fontsize=9, loc="left")
    return figure


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def phases(runs: Sequence[Training], method: str) -> list[str]:
    """The phases of a method, in the order of training."""
    return _unique(phase for run in runs if run.method == method for phase, _ in run.series)


def panels(runs: Sequence[Training], method: str, phase: str) -> list[str]:
    """The figures of a phase that have a panel: the loss first; validation joins it where there is one."""
    found = _unique(name for run in runs if run.method == method for own, name in run.series if own == phase)
    if LOSS in found and VALIDATION in found:
        found.remove(VALIDATION)
    return sorted(found, key=lambda name: name != LOSS)


def _draw_panel(place: Axes, runs: Sequence[Training], phase: str, name: str) -> None:
    place.set_axis_on()
    tidy(place)
    for index, run in enumerate(runs):
        colour = COLOURS[index % len(COLOURS)]
        if (phase, name) in run.series:
            _draw_line(place, run.series[phase, name], colour, run.label, faint=len(runs) == 1)
        if name == LOSS and (phase, VALIDATION) in run.series:
            _draw_validation(place, run.series[phase, VALIDATION], colour)
    place.set(xlabel="step", ylabel=printable(name))
    _scale(place)
    handles, labels = place.get_legend_handles_labels()
    if any(line.get_linestyle() == "--" for line in place.lines):
        handles.append(Line2D([], [], color=GREY, linestyle="--", marker="."))
        labels.append("validation")
    place.legend(handles, labels, fontsize=7, frameon=False, handlelength=3, ncols=2 if len(runs) > 2 else 1)


def _draw_line(place: Axes, series: Series, colour: str, label: str, *, faint: bool) -> None:
    """The running mean, where a run is alone over what was logged."""
    kept = np.unique(np.linspace(0, len(series.steps) - 1, MOST_POINTS).round().astype(int))
    if faint:
        place.plot(series.steps[kept], series.values[kept], color=colour, linewidth=0.6, alpha=0.35)
    place.plot(
        series.steps[kept], smoothed(series.values)[kept], color=colour, linewidth=1.5, label=printable(label)
    )


def smoothed(values: Numbers) -> Numbers:
    """The mean of each value and its neighbours, 1/50 of all of them; those that are not finite are left out."""
    reach = len(values) // SMOOTH // 2
    sound = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(sound, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(sound)])
    at = np.arange(len(values))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    n = count[high] - count[low]
    return np.where(n > 0, (total[high] - total[low]) / np.maximum(n, 1), np.nan)


def _draw_validation(place: Axes, series: Series, colour: str) -> None:
    place.plot(
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
        place.plot(*at, "o", color=colour, markerfacecolor="none", markersize=9, label="_")


def _scale(place: Axes) -> None:
    """A logarithmic axis where all is above 0 and the highest is 5 times the lowest or more."""
    values = np.concatenate([np.empty(0), *(np.asarray(line.get_ydata(), float) for line in place.lines)])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() >= 5 * values.min():
        place.set_yscale("log")
        place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        place.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        place.yaxis.set_minor_formatter(NullFormatter())
