"""Confidence intervals of all values of a table, from per-case values or from bootstrap draws."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from uad_bench.evaluate.metrics.declarations.table import declaration_of
from uad_bench.evaluate.value_range import Range, finite_range
from uad_bench.leaderboard.run_summary import Name
from uad_bench.leaderboard.statistics.clusters import influence_values, subject_indices
from uad_bench.leaderboard.statistics.intervals import logit_interval, t_interval_half_width
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

log = logging.getLogger(__name__)

#: Half the width of the interval by label.
HalfWidths = dict[str, float]


def add_intervals(table: Table, data: Mapping[str, RowData]) -> list[Row]:
    """The rows with a confidence interval in every cell that allows one; data: by label.

    An interval needs the cases behind a mean, or the bootstrap draws of a pooled metric. It is symmetric on the logit
    scale of the metric's declared range where that has two finite ends, so that all rows of a column have intervals of
    one kind. Values outside the declared range are told, and the column then has symmetric intervals.
    """
    widths = {name: _half_widths(name, data, table.scheme.alpha) for name in sorted(table.names)}
    ranges = {name: _kept(_range(name, data), name, table) for name in widths}
    return [
        replace(
            row,
            cells={
                name: _cell(ranges[name], cell, widths[name].get(row.label))
                for name, cell in row.cells.items()
            },
        )
        for row in table.rows
    ]


def _range(name: Name, data: Mapping[str, RowData]) -> Range | None:
    """The declared range of a metric, if it is finite: of a plug-in that which all runs of the table recorded."""
    if (declaration := declaration_of(name[1])) is not None:
        return finite_range(declaration.value_range)
    found = {run.values[name].value_range for one in data.values() for run in one.runs if name in run.values}
    return finite_range(found.pop()) if len(found) == 1 else None


def _kept(range_: Range | None, name: Name, table: Table) -> Range | None:
    """The range, unless a mean of the column lies outside it: an interval inside would not contain that mean."""
    means = [mean for row in table.rows if (mean := row.mean(name)) is not None]
    if range_ is None or all(range_[0] <= mean <= range_[1] for mean in means):
        return range_
    log.warning("%s has values outside its declared range %s: its intervals are symmetric", name[1], range_)
    return None


def _cell(range_: Range | None, cell: Cell, half: float | None) -> Cell:
    if half is None or cell.mean is None or np.isnan(half):
        return cell
    if range_ is None:
        return cell._replace(low=cell.mean - half, high=cell.mean + half)
    start, length = range_[0], range_[1] - range_[0]
    ends = logit_interval(np.array((cell.mean - start) / length), np.array(half / length))
    low, high = (start + length * float(end) for end in ends)
    return cell._replace(low=low, high=high)


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
