"""The values of cases by metric, one dot a case."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from uad_bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def case_values(cases: "pd.DataFrame") -> Figure:
    """One row of dots for each metric with values; its mean as a bar. Raises UsageError where no case has a value."""
    known = cases.dropna(subset=["value"]) if len(cases) else cases
    if not len(known):
        raise UsageError("no case has a value to draw")
    metrics = list(dict.fromkeys(known["metric"]))
    figure = Figure(figsize=(7, 1.0 + 0.28 * len(metrics)), layout="constrained")
    axes = figure.subplots()
    for place, metric in enumerate(metrics):
        values = known.loc[known["metric"] == metric, "value"]
        axes.plot(values, [place] * len(values), "o", color="#0072b2", markersize=4, alpha=0.6)
        axes.plot([values.mean()], [place], "|", color="#d55e00", markersize=14, markeredgewidth=2)
    axes.set_yticks(range(len(metrics)), metrics, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("value of each case; bar: mean")
    axes.grid(axis="x", color="0.9")
    return figure
