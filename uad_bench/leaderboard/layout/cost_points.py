"""Accuracy and computational cost of the rows of a table: what may be compared, and which rows no other row beats."""

from collections.abc import Sequence

from uad_bench.leaderboard.layout.metric_columns import shown_metrics
from uad_bench.leaderboard.table import Row, Table

#: The costs of a row, by field of `Cost`: heading of the axis.
COSTS = {
    "score_s": "scoring, s per volume",
    "fit_s": "training, s",
    "peak_mib": "memory of the process, MiB",
    "gpu_mib": "memory of the GPU, MiB",
    "parameters": "parameters of the network",
}
#: Costs that depend on the device: a GPU takes the memory of a network off the process.
OF_DEVICE = ("score_s", "fit_s", "peak_mib")
#: (cost, accuracy).
Point = tuple[float, float]


def pareto_set(points: Sequence[Point]) -> list[bool]:
    """Which points (cost, accuracy) no other point beats: as cheap and as accurate, and better in one of the two.

    >>> pareto_set([(1, 0.2), (2, 0.5), (3, 0.4), (2, 0.5)])
    [True, True, False, True]
    """
    return [not any(_beats(other, one) for other in points) for one in points]


def _beats(one: Point, other: Point) -> bool:
    return one != other and one[0] <= other[0] and one[1] >= other[1]


def measured_rows(table: Table) -> list[Row]:
    """The rows with a value of the primary metric."""
    return [row for row in table.rows if row.mean(("all", table.primary)) is not None]


def measured_devices(table: Table) -> list[str]:
    """The devices on which these rows were measured, sorted; the seeds of a row may have several."""
    return sorted(_devices(measured_rows(table)) - {""})


def _devices(rows: Sequence[Row]) -> set[str]:
    """The devices of rows, "" for an unknown one."""
    return {one for row in rows for one in row.cost.device.split(", ")}


def cost_points(table: Table) -> dict[str, dict[str, Point]]:
    """By field of `Cost`, the point of each row by its label; without costs that no row has, or that are 0 in all rows.

    Times and memory of rows that were measured on several devices, or some on an unknown one, are not compared:
    `withheld` names them. CPUs of two models, or with two numbers of threads, are two devices.
    """
    left_out = withheld(table)
    return {name: points for name in COSTS if name not in left_out and (points := _points(table, name))}


def withheld(table: Table) -> list[str]:
    """The costs, by field, that are not compared because their rows were measured on several devices."""
    return [name for name in OF_DEVICE if len(_devices_of(table, name)) > 1]


def _devices_of(table: Table, name: str) -> set[str]:
    """The devices of the rows with a cost, "" for an unknown one."""
    return _devices([row for row in measured_rows(table) if getattr(row.cost, name) is not None])


def withheld_text(table: Table) -> str:
    """The same as a sentence, "" where all costs are compared."""
    left_out = withheld(table)
    unknown = ["an unknown one"] if any("" in _devices_of(table, name) for name in left_out) else []
    devices = "; ".join([*measured_devices(table), *unknown])
    names = "; ".join(COSTS[name] for name in left_out)
    return f"Not compared, since rows were measured on several devices ({devices}): {names}." if names else ""


def accuracy_heading(table: Table) -> str:
    """The primary metric as tables head it: "AP per case" for ap.case."""
    return shown_metrics(table)[0].heading


def _points(table: Table, name: str) -> dict[str, Point]:
    found = {
        row.label: (float(cost), row.mean(("all", table.primary)) or 0.0)
        for row in measured_rows(table)
        if (cost := getattr(row.cost, name)) is not None
    }
    return found if any(cost for cost, _ in found.values()) else {}


def pareto_labels(table: Table, points: dict[str, Point]) -> list[str]:
    """The rows of the Pareto set, the cheapest first.

    Controls, rows with a data leak and rows with missing seeds are not in it, and beat no row.
    """
    able = {
        row.label
        for row in table.rows
        if not row.null and not row.leaky and row.complete and row.rank is not None
    }
    labels = [label for label in points if label in able]
    kept = pareto_set([points[label] for label in labels])
    found = [label for label, best in zip(labels, kept, strict=True) if best]
    return sorted(found, key=lambda label: points[label])
