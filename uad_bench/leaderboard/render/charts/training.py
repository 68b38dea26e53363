"""Charts of what a method logged in training: one for each phase and quantity, a line for each run."""

from collections.abc import Sequence

import numpy as np

from uad_bench.leaderboard.render.charts.chart import (
    Chart,
    Line,
    Scale,
    is_logarithmic,
    short,
    x_scale,
    y_scale,
)
from uad_bench.results.training_log import (
    LOSS,
    VALIDATION,
    LoggedSeries,
    Numbers,
    TrainingLog,
    phases,
    plotted_quantities,
    smoothed,
)
from uad_bench.types import UNNAMED_PHASE

#: Points of a line, and colours of the style.
MOST_POINTS, COLOURS = 80, 5
Points = tuple[Numbers, Numbers]


def training_charts(runs: Sequence[TrainingLog]) -> tuple[Chart, ...]:
    """The charts of the runs of one method, in the order of training; quantities without a finite value have none.

    A line is the running mean of a run, over 1/50 of its steps; validation is in the chart of the loss, dashed.
    """
    method = runs[0].method if runs else ""
    return tuple(
        chart
        for phase in phases(runs, method)
        for name in plotted_quantities(runs, method, phase)
        if (chart := _chart(runs, phase, name)) is not None
    )


def _chart(runs: Sequence[TrainingLog], phase: str, name: str) -> Chart | None:
    found: list[tuple[str, str, Points]] = []
    for index, run in enumerate(runs):
        colour = f"s{index % COLOURS}"
        if (phase, name) in run.series:
            found.append((run.label, colour, _thinned(run.series[phase, name], smooth=True)))
        if name == LOSS and (phase, VALIDATION) in run.series:
            series = _thinned(run.series[phase, VALIDATION], smooth=False)
            found.append((f"{run.label}, {VALIDATION}", f"{colour} dashed", series))
    found = [one for one in found if one[2][0].size]
    if not found:
        return None
    values = [float(v) for _, _, (_, one) in found for v in one]
    x = x_scale([float(step) for _, _, (steps, _) in found for step in (steps[0], steps[-1])])
    y = y_scale(values, log=is_logarithmic(values))
    return Chart(
        f"{_named(phase)}, {name}",
        _summary(_named(phase), name, [label for label, _, _ in found]),
        "step",
        name,
        tuple((x.at(tick), short(tick)) for tick in x.ticks()),
        tuple((y.at(tick), short(tick)) for tick in y.ticks()),
        tuple(Line(_text(points, x, y), label, kind) for label, kind, points in found),
        legend=_legend([(kind, label) for label, kind, _ in found]),
    )


def _named(phase: str) -> str:
    """The name of a phase; that of a method with one phase, which does not name it, is "training"."""
    return "training" if phase == UNNAMED_PHASE else phase


def _legend(lines: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The colour of each run, and one dashed line for the validation of all; runs of one colour share an entry."""
    runs: dict[str, list[str]] = {}
    for kind, label in lines:
        runs.setdefault(kind.partition(" ")[0], []).append(label.removesuffix(f", {VALIDATION}"))
    colours = ((kind, ", ".join(dict.fromkeys(labels))) for kind, labels in runs.items())
    dashed = (("dashed", VALIDATION),) if any(" " in kind for kind, _ in lines) else ()
    return (*colours, *dashed)


def _thinned(series: LoggedSeries, *, smooth: bool) -> Points:
    """At most `MOST_POINTS` finite points; smooth: of the running mean."""
    values = smoothed(series.values) if smooth else series.values
    known = np.flatnonzero(np.isfinite(values))
    kept = (
        known[np.unique(np.linspace(0, len(known) - 1, MOST_POINTS).round().astype(int))]
        if known.size
        else known
    )
    return series.steps[kept], values[kept]


def _text(points: Points, x: Scale, y: Scale) -> str:
    return " ".join(f"{x.at(float(a))},{y.at(float(b))}" for a, b in zip(*points, strict=True))


def _summary(phase: str, name: str, labels: Sequence[str]) -> str:
    return f"Training curve ({phase}): {name} over steps, running means over 1/50 of the steps: {'; '.join(labels)}."
