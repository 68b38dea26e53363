"""How sure the ranks of a table are: rank intervals, and the critical-difference diagram."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.style import GREY, MOST_ROWS, Look, blank, looks, short
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.table import Row, Table


def ranks(table: Table) -> Figure | None:
    """Each ranked method's rank with its 95 % interval, its letters and how often it is the first."""
    rows = [row for row in table.rows if row.rank_statistics is not None and row.rank is not None][:MOST_ROWS]
    if not rows:
        return None
    figure, axes = blank(7, 1.4 + 0.32 * len(rows), table, f"rank by {table.primary}, 95 % interval")
    drawn = looks(table)
    for place, row in enumerate(rows):
        _interval(axes, place, row, drawn[row.label])
    names = [short(row.label) for row in rows]
    axes.set(
        yticks=range(len(rows)), yticklabels=names, xlabel="rank (1 is best)", ylim=(len(rows) - 0.4, -0.6)
    )
    last = max(row.rank_statistics.high for row in rows if row.rank_statistics)
    step = -(-last // 15)
    axes.set_xticks(range(1, last + 1, step))
    axes.set_xlim(0.6, last + 0.4)
    return figure


def _interval(axes: Axes, place: int, row: Row, drawn: Look) -> None:
    assert row.rank_statistics is not None and row.rank is not None  # `ranks` draws no other
    axes.hlines(place, row.rank_statistics.low, row.rank_statistics.high, color=drawn.color, linewidth=2)
    axes.plot(row.rank, place, marker=drawn.marker, color=drawn.color, markersize=7, clip_on=False)
    text = f"{row.rank_statistics.letters}  first in {row.rank_statistics.first:.0%}"
    axes.annotate(
        text,
        (1.01, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        annotation_clip=False,
    )


def critical(table: Table) -> Figure | None:
    """Demsar's diagram: mean ranks on a line, best on the left; a bar joins methods that are not told apart."""
    found = table.critical
    if found is None or found.difference is None:
        return None
    half = -(-len(found.mean_ranks) // 2)
    depth = 0.9 + 0.28 * len(found.cliques)
    friedman = "" if found.p is None else f", Friedman p {wording.p_text(found.p)}"
    words = f"mean rank by {found.metric} over {found.n} cases (1 is best){friedman}"
    figure, axes = blank(8, 1.7 + 0.26 * len(found.cliques) + 0.3 * half, table, words)
    last = len(found.mean_ranks)
    _scale(axes, found.difference, last)
    for level, clique in enumerate(found.cliques):
        _bar(axes, [rank for name, rank in found.mean_ranks if name in clique], 0.45 + 0.28 * level)
    for place, (name, rank) in enumerate(found.mean_ranks):
        left = place < half
        deep = depth + 0.45 * (place if left else last - 1 - place)
        _label(axes, rank, short(name, 26), (left, deep), last)
    axes.set_ylim(depth + 0.45 * half, -1.1)
    return figure


def _scale(axes: Axes, difference: float, last: int) -> None:
    """The line of ranks above all, and the critical difference above it."""
    axes.set_axis_off()
    axes.set_xlim(1 - 0.35 * max(last - 1, 1), last + 0.35 * max(last - 1, 1))
    axes.hlines(0, 1, last, color="k", linewidth=1)
    for rank in range(1, last + 1, -(-last // 20)):
        axes.vlines(rank, -0.08, 0.08, color="k", linewidth=1)
        axes.text(rank, -0.16, str(rank), ha="center", va="bottom", fontsize=8)
    axes.plot([1, 1 + difference], [-0.75, -0.75], color=GREY, marker="|", linewidth=1.5)
    axes.text(1, -0.84, f"critical difference {difference:.2f}", va="bottom", fontsize=8, color=GREY)


def _bar(axes: Axes, ranks: Sequence[float], depth: float) -> None:
    axes.hlines(depth, min(ranks) - 0.03, max(ranks) + 0.03, color="k", linewidth=4, capstyle="round")


def _label(axes: Axes, rank: float, name: str, place: tuple[bool, float], last: int) -> None:
    """A line from a rank down and out to its name; place: to the left?, how deep."""
    left, depth = place
    edge = 1 - 0.06 * last if left else last + 0.06 * last
    axes.plot([rank, rank, edge], [0, depth, depth], color=GREY, linewidth=0.9)
    axes.plot(rank, 0, marker="o", color="k", markersize=4)
    said = f"{name}  {rank:.2f} " if left else f" {rank:.2f}  {name}"
    axes.text(edge, depth, said, ha="right" if left else "left", va="center", fontsize=9)
