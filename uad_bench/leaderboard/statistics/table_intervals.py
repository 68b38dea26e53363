"""Confidence intervals of all values of a table, from per-case values or from bootstrap draws."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.evaluate.metrics.declarations.table import declaration_of
from uad_bench.evaluate.value_range import Range, finite_range
from uad_bench.leaderboard.run_summary import Name
from uad_bench.leaderboard.statistics.clusters import influence_values, subject_indices
from uad_bench.leaderboard.statistics.intervals import logit_interval, t_interval_half_width, within_edges
from uad_bench.leaderboard.statistics.row_data import (
    RowData,
    case_ids,
    is_mean_over_cases,
    per_case_metric,
    subject_by_case,
)
from uad_bench.leaderboard.statistics.variance_components import (
    VarianceComponents,
    components_from_bootstrap,
    components_from_cases,
    stack_equal_shapes,
)
from uad_bench.leaderboard.table import Cell, Row, Table

#: Half the width of the interval by label.
HalfWidths = dict[str, float]
#: How an interval is computed, as `Cell.interval` says it.
LOGIT = "logit"
NO_RANGE = "symmetric: no finite range declared"
OUTSIDE = "symmetric: a mean lies outside the declared range"
AT_AN_END = "symmetric: the mean is an end of the declared range"


def add_intervals(table: Table, data: Mapping[str, RowData]) -> list[Row]:
    """The rows with a confidence interval in every cell that allows one; data: by label.

    An interval needs the cases behind a mean, or the bootstrap draws of a pooled metric. It is symmetric on the logit
    scale of the metric's declared range, so that all rows of a column have intervals of one kind. It is symmetric
    around the mean, which `Cell.interval` says with the reason, in a column whose metric declares no range with two
    finite ends, or of which a mean lies outside that range; and in a cell whose mean is an end of the range.
    """
    widths = {name: _half_widths(name, data, table.scheme.alpha) for name in sorted(table.names)}
    ranges, outside = {name: _range(name, data) for name in widths}, means_outside(table, data)

    def cell_of(row: Row, name: Name, cell: Cell) -> Cell:
        half = widths[name].get(row.label)
        if half is None or cell.mean is None or np.isnan(half):
            return cell
        return _cell(ranges[name], name in outside, cell, cell.mean, half)

    return [
        replace(row, cells={name: cell_of(row, name, cell) for name, cell in row.cells.items()})
        for row in table.rows
    ]


def _range(name: Name, data: Mapping[str, RowData]) -> Range | None:
    """The declared range of a metric, if it is finite: of a plug-in that which all runs of the table recorded."""
    if (declaration := declaration_of(name[1])) is not None:
        return finite_range(declaration.value_range)
    found = {run.values[name].value_range for one in data.values() for run in one.runs if name in run.values}
    return finite_range(found.pop()) if len(found) == 1 else None


def means_outside(table: Table, data: Mapping[str, RowData]) -> dict[Name, Range]:
    """The columns with a mean outside the declared range, an error of the metric, with that range.

    An interval inside the range would not contain such a mean.
    """
    ranges = {name: range_ for name in sorted(table.names) if (range_ := _range(name, data))}
    means = {name: [row.mean(name) for row in table.rows] for name in ranges}
    return {
        name: (low, high)
        for name, (low, high) in ranges.items()
        if any(mean is not None and not low <= mean <= high for mean in means[name])
    }


def _cell(range_: Range | None, outside: bool, cell: Cell, mean: float, half: float) -> Cell:
    if range_ is None or outside:
        why = NO_RANGE if range_ is None else f"{OUTSIDE} [{range_[0]:g}, {range_[1]:g}]"
        return cell._replace(low=mean - half, high=mean + half, interval=why)
    start, length = range_[0], range_[1] - range_[0]
    place = np.array((mean - start) / length)
    low, high = (start + length * float(end) for end in logit_interval(place, np.array(half / length)))
    return cell._replace(low=low, high=high, interval=LOGIT if within_edges(place) else AT_AN_END)


def _half_widths(name: Name, data: Mapping[str, RowData], alpha: float) -> HalfWidths:
    of_metric = _half_widths_of_means if is_mean_over_cases(name[1]) else _half_widths_of_pooled
    return of_metric(name, data, alpha)


def _half_widths_of_means(name: Name, data: Mapping[str, RowData], alpha: float) -> HalfWidths:
    group, metric = name[0], per_case_metric(name[1])
    ids = case_ids(data, metric, group)
    labels = [
        label for label, one in data.items() if ids and one.runs and one.mean_is_over(group, metric, ids)
    ]
    subject, found = subject_indices(ids, subject_by_case(data)), HalfWidths()
    by_subject = [influence_values(data[label].case_values(metric, ids), subject) for label in labels]
    for rows, values in stack_equal_shapes(by_subject):
        known = np.asarray(~np.isnan(values).any(1))
        found |= _by_label([labels[i] for i in rows], components_from_cases(values, known), alpha)
    return found


def _half_widths_of_pooled(name: Name, data: Mapping[str, RowData], alpha: float) -> HalfWidths:
    pooled = {label: metric for label, one in data.items() if (metric := one.pooled_metric(name))}
    labels, found = list(pooled), HalfWidths()
    for rows, draws in stack_equal_shapes([pooled[label].draws for label in labels]):
        here = [pooled[labels[i]] for i in rows]
        n = np.array([metric.n for metric in here], np.float64)
        components = components_from_bootstrap(np.array([metric.values for metric in here]), draws, n)
        found |= _by_label([labels[i] for i in rows], components, alpha)
    return found


def _by_label(labels: Sequence[str], components: VarianceComponents, alpha: float) -> HalfWidths:
    return dict(zip(labels, t_interval_half_width(components, alpha).tolist(), strict=True))
