"""Charts of accuracy against computational cost, with the Pareto set."""

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.layout.cost_points import (
    COSTS,
    Point,
    accuracy_heading,
    cost_points,
    measured_devices,
    pareto_labels,
)
from uad_bench.leaderboard.render.charts.chart import (
    Chart,
    Line,
    Mark,
    Scale,
    short,
    with_free_labels,
    x_scale,
    y_scale,
)
from uad_bench.leaderboard.table import Row, Table


def cost_charts(table: Table) -> tuple[Chart, ...]:
    """The primary metric against each recorded cost; a cost of 0 has the tick 0 at the left of a logarithmic axis.

    None for a table of few patients, which compares no methods.
    """
    if table.values_only:
        return ()
    return tuple(_chart(table, name, points) for name, points in cost_points(table).items())


def _chart(table: Table, name: str, points: dict[str, Point]) -> Chart:
    positive = [cost for cost, _ in points.values() if cost > 0]
    zero = min(positive) / 3
    x = x_scale([cost or zero for cost, _ in points.values()], log=True)
    y = y_scale([accuracy for _, accuracy in points.values()])
    best = pareto_labels(table, points)
    rows = {row.label: row for row in table.rows}
    heading = accuracy_heading(table)
    return Chart(
        f"{heading} against {COSTS[name]}",
        _summary(table, name, points, best),
        COSTS[name],
        heading,
        _ticks(x, zero if len(positive) < len(points) else None),
        tuple((y.at(tick), short(tick)) for tick in y.ticks()),
        _front([points[label] for label in best], x, y, zero),
        with_free_labels(
            [
                Mark(
                    x.at(points[label][0] or zero),
                    y.at(points[label][1]),
                    _named(label, points[label]),
                    _letters(rows[label]),
                    "pareto" if label in best else wording.CONTROL if rows[label].null else "other",
                )
                for label in points
            ]
        ),
    )


def _ticks(x: Scale, zero: float | None) -> tuple[tuple[float, str], ...]:
    """Ticks of the axis of cost; those near the place of 0 are left out."""
    first = [] if zero is None else [(x.at(zero), "0")]
    return (*first, *((x.at(tick), short(tick)) for tick in x.ticks() if zero is None or tick >= 2 * zero))


def _front(points: list[Point], x: Scale, y: Scale, zero: float) -> tuple[Line, ...]:
    """The steps of the Pareto set: the best accuracy that a cost allows."""
    placed = [(x.at(cost or zero), y.at(accuracy)) for cost, accuracy in points]
    corners = [
        corner
        for place, (here, height) in enumerate(placed)
        for corner in (*([(here, placed[place - 1][1])] if place else []), (here, height))
    ]
    text = " ".join(f"{a},{b}" for a, b in corners)
    return (Line(text, "Pareto set", "front"),) if len(placed) > 1 else ()


def _letters(row: Row) -> str:
    """The rank, by which a point is found in the table; "c" for a control."""
    return "c" if row.null else str(row.rank) if row.rank is not None else wording.NOTHING


def _named(label: str, point: Point) -> str:
    return f"{label}: {wording.figure(point[0])}, {wording.decimal(point[1], 3)}"


def _summary(table: Table, name: str, points: dict[str, Point], best: list[str]) -> str:
    """The Pareto set in words, and where it was measured."""
    named = "; ".join(_named(label, points[label]) for label in best) or "no row"
    devices = measured_devices(table)
    where = f", measured on {devices[0]}" if len(devices) == 1 else ""
    return f"Pareto set by {COSTS[name]}{where} (cost, {accuracy_heading(table)}): {named}."
