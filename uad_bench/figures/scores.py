"""The numbers of a table as figures: the primary metric's intervals, recall by lesion size, case against case."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from uad_bench.figures.style import GREY, MOST_ROWS, Look, blank, look, looks, printable_lines, short, tidy
from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.run_summary import ORACLE
from uad_bench.leaderboard.table import Cell, Row, Table

SIZE = re.compile(r"detect_size_(?P<size>[^.@]+)(?P<form>\.\w+)?(?:@(?P<rule>.+))?")
#: How the cases were joined: a single case has no such form.
FORM = re.compile(r"\.(pooled|case)(?=@|$)")
#: So many methods have a panel of case against case.
PANELS, ACROSS = 12, 4


def forest(table: Table) -> Figure | None:
    """The primary metric of each row with its 95 % interval; null rows are hollow, a random score is dashed."""
    name = ("all", table.primary)
    shown = [(row, cell) for row in table.rows if (cell := row.cells.get(name)) and cell.mean is not None]
    shown = shown[:MOST_ROWS]
    if not shown:
        return None
    figure, axes = blank(
        7, 1.4 + 0.3 * len(shown), table, f"{table.primary}, 95 % interval over seeds and patients"
    )
    drawn = looks(table)
    for place, (row, cell) in enumerate(shown):
        _estimate(axes, place, row.null, (cell, drawn[row.label]))
    form = table.primary.rpartition(".")[2]
    floor = table.prevalence("all", form) if table.primary.startswith("ap.") else None
    if floor is not None:
        axes.axvline(floor, color=GREY, linestyle="--", linewidth=1, label=f"prevalence {floor:.4f}")
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    axes.set(
        yticks=range(len(shown)), yticklabels=[short(row.label) for row, _ in shown], xlabel=table.primary
    )
    axes.set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _estimate(axes: Axes, place: int, hollow: bool, what: tuple[Cell, Look]) -> None:
    cell, drawn = what
    if cell.low is not None and cell.high is not None:
        axes.hlines(place, cell.low, cell.high, color=drawn.color, linewidth=2)
    face = "white" if hollow else drawn.color
    axes.plot(
        cell.mean or 0.0, place, marker=drawn.marker, color=drawn.color, markerfacecolor=face, markersize=7
    )


def sizes(table: Table) -> Figure | None:
    """Recall of lesions by their size, all lesions of all cases at one threshold rule, which no oracle chose."""
    rule, metrics = size_metrics(table)
    rows = [row for row in table.rows if any(_mean(row, metric) is not None for metric in metrics.values())][
        :MOST_ROWS
    ]
    if not rows:
        return None
    figure, axes = blank(7.5, 4.2, table, f"share of lesions found, by size{f', at {rule}' if rule else ''}")
    drawn = looks(table)
    for row in rows:
        _recall(axes, drawn[row.label], row, list(metrics.values()))
    labels = [size_words(size) for size in metrics]
    axes.set(xticks=range(len(metrics)), xticklabels=labels, ylim=(-0.02, 1.02), ylabel="recall")
    axes.set_xlabel("lesion volume, mm³")
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _recall(axes: Axes, drawn: Look, row: Row, metrics: Sequence[str]) -> None:
    values = [np.nan if (mean := _mean(row, metric)) is None else mean for metric in metrics]
    line: dict[str, Any] = {
        "marker": drawn.marker,
        "linestyle": drawn.linestyle,
        "linewidth": 1.5,
        "markersize": 5,
    }
    # Matplotlib leaves out of a legend what begins with "_".
    axes.plot(range(len(values)), values, color=drawn.color, label=f"\u200a{short(row.label, 24)}", **line)


def size_metrics(table: Table) -> tuple[str, Mapping[str, str]]:
    """The threshold rule, and by size of lesion the metric to draw, from small to large; pooled where there is."""
    found: dict[str, dict[str, str]] = {}
    for metric in sorted({m for row in table.rows for group, m in row.cells if group == "all"}):
        match = SIZE.fullmatch(metric)
        if match and ORACLE not in metric:
            by_size = found.setdefault(match["rule"] or "", {})
            # Of two forms of one number the pooled one counts each lesion once.
            if match["size"] not in by_size or match["form"] == ".pooled":
                by_size[match["size"]] = metric
    if not found:
        return "", {}
    rule = min(found, key=lambda rule: (rule != "healthy_q98", rule))
    return rule, {size: found[rule][size] for size in sorted(found[rule], key=_smallest)}


def size_words(size: str) -> str:
    """`10to100` as "10 to 100", `lt10` as "< 10", `ge1000` as "≥ 1000"."""
    words = re.sub(r"(\d)_?(?:to|_)_?(\d)", r"\1 to \2", size)
    return re.sub(r"^(lt|ge|gt)_?(?=\d)", lambda match: {"lt": "< ", "ge": "≥ ", "gt": "> "}[match[1]], words)


def _smallest(size: str) -> tuple[float, str]:
    """Where a size stands: by its lower end, `lt10` below `10to100`, `ge1000` above `100to1000`."""
    numbers = [float(number) for number in re.findall(r"\d+", size)]
    return (-1.0 if size.startswith("lt") else min(numbers, default=np.inf)), size


class Pairs(NamedTuple):
    """Cases that two rows share: values of the other one and of this one."""

    other: list[float]
    this: list[float]


def paired(table: Table) -> Figure | None:
    """Each method's cases against the leader's (dots) and the baseline's (crosses); above the line it is better."""
    leader, baseline = rivals(table)
    others = [row for row in (leader, baseline) if row and row.values]
    shown = [row for row in table.rows if row.values and any(row is not other for other in others)]
    if not others or not shown:
        return None
    shown = sorted(shown, key=lambda row: (row.rank is None, row.rank or 0))[:PANELS]
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(2.6 * across, 1.3 + 3.0 * down), layout=ConstrainedLayoutEngine(h_pad=0.18))
    figure.suptitle(
        printable_lines(f"{wording.title(table)}\n{FORM.sub('', table.primary)} of each case"), fontsize=10
    )
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, row in zip(grid.flat, shown, strict=False):
        _against(axes, row, leader, baseline)
    known = [value for row in (*shown, *others) for value in row.values.values() if value is not None]
    ends = (min(known, default=0.0), max(known, default=1.0))
    edge = 0.05 * (ends[1] - ends[0] or 1.0)
    grid.flat[0].set(xlim=(ends[0] - edge, ends[1] + edge), ylim=(ends[0] - edge, ends[1] + edge))
    for axes in list(grid.flat)[len(shown) :]:
        axes.set_axis_off()
    figure.supxlabel("the other's value", fontsize=9)
    figure.supylabel("this method's value", fontsize=9)
    return figure


def rivals(table: Table) -> tuple[Row | None, Row | None]:
    """The leader and the baseline that the table compares with, None where it is the leader itself."""
    compared = {row.to_baseline.other for row in table.rows if row.to_baseline}
    leader = next((row for row in table.rows if row.rank == 1), None)
    plain = next((row for row in table.rows if row.label in compared), None)
    return leader, None if plain is leader else plain


def _against(axes: Axes, row: Row, leader: Row | None, baseline: Row | None) -> None:
    tidy(axes)
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
    axes.set_title(short(row.label, 28), fontsize=9)
    axes.set_box_aspect(1)
    for other, index, marker in ((leader, 0, "o"), (baseline, 1, "x")):
        if other is None or other is row or not other.values:
            continue
        pairs = pairs_of(row, other)
        won = sum(a > b for a, b in zip(pairs.this, pairs.other, strict=True))
        label = f"better than {short(other.label, 18)}: {won} of {len(pairs.this)}"
        axes.scatter(
            pairs.other, pairs.this, s=16, marker=marker, color=look(index).color, linewidths=1, label=label
        )
    if axes.collections:
        axes.legend(
            fontsize=6.5, frameon=False, handletextpad=0.1, loc="upper center", bbox_to_anchor=(0.5, -0.12)
        )


def pairs_of(row: Row, other: Row) -> Pairs:
    """The values of the cases that both have, in the order of their names."""
    shared = sorted(
        case for case, value in row.values.items() if value is not None and other.values.get(case) is not None
    )
    return Pairs(
        [float(other.values[c] or 0.0) for c in shared], [float(row.values[c] or 0.0) for c in shared]
    )


def _mean(row: Row, metric: str) -> float | None:
    cell = row.cells.get(("all", metric))
    return cell.mean if cell else None
