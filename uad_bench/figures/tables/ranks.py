"""Plots of the uncertainty of ranks: rank intervals, and the critical-difference diagram."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.style import GREY, MAX_ROWS, PlotStyle, first_of, folded, row_styles, single_plot
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.table import Row, Table


def rank_plot(table: Table) -> Figure | None:
    """Rank of each ranked row with its 95 % interval, compact letters and share of first ranks; None without any."""
    ranked = [row for row in table.rows if row.rank_statistics is not None and row.rank is not None]
    rows = ranked[:MAX_ROWS]
    if not rows:
        return None
    title = f"rank by {table.primary}, {wording.percent(table)} interval{first_of(len(rows), len(ranked))}"
    figure, axes = single_plot(7, 1.4 + 0.32 * len(rows), table, title)
    styles = row_styles(table)
    for place, row in enumerate(rows):
        _draw_interval(axes, place, row, styles[row.label])
    names = [folded(row.label) for row in rows]
    axes.set(
        yticks=range(len(rows)), yticklabels=names, xlabel="rank (1 is best)", ylim=(len(rows) - 0.4, -0.6)
    )
    last = max(row.rank_statistics.high for row in rows if row.rank_statistics)
    step = -(-last // 15)
    axes.set_xticks(range(1, last + 1, step))
    axes.set_xlim(0.6, last + 0.4)
    return figure


def _draw_interval(axes: Axes, place: int, row: Row, style: PlotStyle) -> None:
    statistics = row.rank_statistics
    assert statistics is not None and row.rank is not None  # selected by `rank_plot`
    axes.hlines(place, statistics.low, statistics.high, color=style.color, linewidth=2)
    axes.plot(row.rank, place, marker=style.marker, color=style.color, markersize=7, clip_on=False)
    axes.annotate(
        f"{statistics.letters}  first in {statistics.first:.0%}",
        (1.01, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        annotation_clip=False,
    )


def critical_difference_plot(table: Table) -> Figure | None:
    """Critical-difference diagram (Demsar 2006): mean ranks; a bar joins rows that do not differ significantly."""
    found = table.critical
    if found is None or found.difference is None:
        return None
    half = -(-len(found.mean_ranks) // 2)
    depth = 0.9 + 0.28 * len(found.cliques)
    friedman = "" if found.p is None else f", Friedman p {wording.p_text(found.p, table.scheme.alpha)}"
    title = f"mean rank by {found.metric} over {found.n} patients (1 is best){friedman}"
    figure, axes = single_plot(8, 1.7 + 0.26 * len(found.cliques) + 0.3 * half, table, title)
    last = len(found.mean_ranks)
    _draw_scale(axes, found.difference, last)
    for level, clique in enumerate(found.cliques):
        _draw_clique(axes, [rank for name, rank in found.mean_ranks if name in clique], 0.45 + 0.28 * level)
    for place, (name, rank) in enumerate(found.mean_ranks):
        left = place < half
        below = depth + 0.45 * (place if left else last - 1 - place)
        _draw_label(axes, rank, folded(name, 26), (left, below), last)
    axes.set_ylim(depth + 0.45 * half, -1.1)
    return figure


def _draw_scale(axes: Axes, difference: float, last: int) -> None:
    """The axis of ranks, and the critical difference above it."""
    axes.set_axis_off()
    axes.set_xlim(1 - 0.35 * max(last - 1, 1), last + 0.35 * max(last - 1, 1))
    axes.hlines(0, 1, last, color="k", linewidth=1)
    for rank in range(1, last + 1, -(-last // 20)):
        axes.vlines(rank, -0.08, 0.08, color="k", linewidth=1)
        axes.text(rank, -0.16, str(rank), ha="center", va="bottom", fontsize=8)
    axes.plot([1, 1 + difference], [-0.75, -0.75], color=GREY, marker="|", linewidth=1.5)
    axes.text(1, -0.84, f"critical difference {difference:.2f}", va="bottom", fontsize=8, color=GREY)


def _draw_clique(axes: Axes, ranks: Sequence[float], depth: float) -> None:
    axes.hlines(depth, min(ranks) - 0.03, max(ranks) + 0.03, color="k", linewidth=4, capstyle="round")


def _draw_label(axes: Axes, rank: float, name: str, place: tuple[bool, float], last: int) -> None:
    """A line from a rank to its name; place: (on the left side, depth below the axis)."""
    left, depth = place
    edge = 1 - 0.06 * last if left else last + 0.06 * last
    axes.plot([rank, rank, edge], [0, depth, depth], color=GREY, linewidth=0.9)
    axes.plot(rank, 0, marker="o", color="k", markersize=4)
    label = f"{name}  {rank:.2f} " if left else f" {rank:.2f}  {name}"
    axes.text(edge, depth, label, ha="right" if left else "left", va="center", fontsize=9)
