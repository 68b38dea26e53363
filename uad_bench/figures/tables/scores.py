"""Plots of the values of a table: confidence intervals, recall by lesion size, paired scatter plots."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from uad_bench.evaluate.metrics.declarations.strata import STRATUM
from uad_bench.figures.style import (
    GREY,
    MAX_ROWS,
    PlotStyle,
    add_grid,
    first_of,
    folded,
    legend_height,
    plot_style,
    printable_lines,
    row_styles,
    single_plot,
)
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import ORACLE
from uad_bench.leaderboard.table import Cell, Row, Table

#: The bins of lesion size by the name of their metric, from small to large.
SIZES = {name: stratum.text for name, stratum in STRATUM.items() if stratum.trait == "size"}
#: The form of a metric over cases, which the value of a single case does not have.
FORM = re.compile(r"\.(pooled|case)(?=@|$)")
#: Methods with a scatter plot, and plots per line.
MAX_PLOTS, ACROSS = 12, 4


def forest_plot(table: Table) -> Figure | None:
    """Forest plot: primary metric of each row with its confidence interval; controls hollow, the prevalence dashed."""
    name = ("all", table.primary)
    known = [(row, cell) for row in table.rows if (cell := row.cells.get(name)) and cell.mean is not None]
    shown = known[:MAX_ROWS]
    if not shown:
        return None
    title = f"{table.primary}, {wording.percent(table)} confidence interval over seeds and patients"
    title += first_of(len(shown), len(known))
    figure, axes = single_plot(7, 1.4 + 0.3 * len(shown), table, title)
    styles = row_styles(table)
    for place, (row, cell) in enumerate(shown):
        _draw_estimate(axes, place, (cell, styles[row.label]), hollow=row.null)
    form = table.primary.rpartition(".")[2]
    chance = table.prevalence("all", form) if table.primary.startswith("ap.") else None
    if chance is not None:
        axes.axvline(chance, color=GREY, linestyle="--", linewidth=1, label=f"prevalence {chance:.4f}")
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    axes.set(
        yticks=range(len(shown)), yticklabels=[folded(row.label) for row, _ in shown], xlabel=table.primary
    )
    axes.set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _draw_estimate(axes: Axes, place: int, estimate: tuple[Cell, PlotStyle], *, hollow: bool) -> None:
    cell, style = estimate
    if cell.low is not None and cell.high is not None:
        axes.hlines(place, cell.low, cell.high, color=style.color, linewidth=2)
    face = "white" if hollow else style.color
    axes.plot(
        cell.mean or 0.0, place, marker=style.marker, color=style.color, markerfacecolor=face, markersize=7
    )


def recall_by_size_plot(table: Table) -> Figure | None:
    """Recall of all lesions by their size, at one threshold rule that is not an oracle; None without values."""
    rule, metrics = size_metrics(table)
    known = [
        row for row in table.rows if any(row.mean(("all", metric)) is not None for metric in metrics.values())
    ]
    rows = known[:MAX_ROWS]
    if not rows:
        return None
    title = f"recall by lesion size{f', at {rule}' if rule else ''}{first_of(len(rows), len(known))}"
    figure, axes = single_plot(7.5, legend_height(rows, width=24, least=4.2), table, title)
    styles = row_styles(table)
    for row in rows:
        _draw_recall(axes, styles[row.label], row, list(metrics.values()))
    axes.set(xticks=range(len(metrics)), xticklabels=list(metrics), ylim=(-0.02, 1.02))
    axes.set_ylabel(f"recall at {rule}" if rule else "recall")
    axes.set_xlabel("lesion volume")
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _draw_recall(axes: Axes, style: PlotStyle, row: Row, metrics: Sequence[str]) -> None:
    values = [np.nan if (mean := row.mean(("all", metric))) is None else mean for metric in metrics]
    line: dict[str, Any] = {
        "marker": style.marker,
        "linestyle": style.linestyle,
        "linewidth": 1.5,
        "markersize": 5,
    }
    # Matplotlib omits labels that begin with "_" from a legend.
    axes.plot(range(len(values)), values, color=style.color, label=f"\u200a{folded(row.label, 24)}", **line)


def size_metrics(table: Table) -> tuple[str, Mapping[str, str]]:
    """The threshold rule, and the metric of each lesion size ("< 10 mm³"), from small to large."""
    names = {metric for group, metric in table.names if group == "all" and ORACLE not in metric}
    rules = {m.partition("@")[2] for m in names if m.partition("@")[0].partition(".")[0] in SIZES}
    rule = min(rules, key=lambda rule: (rule != "healthy_q98", rule), default="")
    found = {}
    for name, text in SIZES.items():
        # The pooled form is preferred, since it counts each lesion once.
        forms = [f"{name}.pooled@{rule}", f"{name}@{rule}"]
        if known := [metric for metric in forms if metric in names]:
            found[text] = known[0]
    return rule, found


class PairedValues(NamedTuple):
    """Values of the cases that two rows share: of the reference row and of this row."""

    reference: list[float]
    this: list[float]


def paired_plot(table: Table) -> Figure | None:
    """Scatter plots of each method's cases against the best row (dots) and the baseline (crosses); None without cases.

    A point above the diagonal is a case in which the method is better.
    """
    best, baseline = reference_rows(table)
    references = [row for row in (best, baseline) if row and row.values]
    shown = [row for row in table.rows if row.values and any(row is not other for other in references)]
    if not references or not shown:
        return None
    candidates = sorted(shown, key=lambda row: (row.rank is None, row.rank or 0))
    shown = candidates[:MAX_PLOTS]
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(2.6 * across, 1.3 + 3.0 * down), layout=ConstrainedLayoutEngine(h_pad=0.18))
    title = f"{wording.title(table)}\n{FORM.sub('', table.primary)} of each case"
    figure.suptitle(printable_lines(title + first_of(len(shown), len(candidates))), fontsize=10)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, row in zip(grid.flat, shown, strict=False):
        _draw_pairs(axes, row, best, baseline)
    known = [value for row in (*shown, *references) for value in row.values.values() if value is not None]
    ends = (min(known, default=0.0), max(known, default=1.0))
    edge = 0.05 * (ends[1] - ends[0] or 1.0)
    grid.flat[0].set(xlim=(ends[0] - edge, ends[1] + edge), ylim=(ends[0] - edge, ends[1] + edge))
    for axes in list(grid.flat)[len(shown) :]:
        axes.set_axis_off()
    figure.supxlabel("value of the reference method", fontsize=9)
    figure.supylabel("value of this method", fontsize=9)
    return figure


def reference_rows(table: Table) -> tuple[Row | None, Row | None]:
    """The best row and the baseline of a table; None for a baseline that is the best row itself."""
    compared = {row.to_baseline.other for row in table.rows if row.to_baseline}
    best = next((row for row in table.rows if row.rank == 1), None)
    baseline = next((row for row in table.rows if row.label in compared), None)
    return best, None if baseline is best else baseline


def _draw_pairs(axes: Axes, row: Row, best: Row | None, baseline: Row | None) -> None:
    add_grid(axes)
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
    axes.set_title(folded(row.label, 28), fontsize=9)
    axes.set_box_aspect(1)
    for reference, index, marker in ((best, 0, "o"), (baseline, 1, "x")):
        if reference is None or reference is row or not reference.values:
            continue
        pairs = paired_values(row, reference)
        better = sum(a > b for a, b in zip(pairs.this, pairs.reference, strict=True))
        label = folded(f"better than {reference.label}: {better} of {len(pairs.this)}", 36)
        axes.scatter(
            pairs.reference,
            pairs.this,
            s=16,
            marker=marker,
            color=plot_style(index).color,
            linewidths=1,
            label=label,
        )
    if axes.collections:
        axes.legend(
            fontsize=6.5, frameon=False, handletextpad=0.1, loc="upper center", bbox_to_anchor=(0.5, -0.12)
        )


def paired_values(row: Row, reference: Row) -> PairedValues:
    """The values of the cases that both rows have, in the order of case ids."""
    shared = sorted(
        case
        for case, value in row.values.items()
        if value is not None and reference.values.get(case) is not None
    )
    return PairedValues(
        [float(reference.values[c] or 0.0) for c in shared], [float(row.values[c] or 0.0) for c in shared]
    )
