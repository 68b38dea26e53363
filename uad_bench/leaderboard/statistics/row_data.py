"""Input of the statistics of one row: arrays of per-case values and of pooled metrics over its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from uad_bench.leaderboard.case_values import values_of
from uad_bench.leaderboard.run_summary import DatasetResults, Name
from uad_bench.leaderboard.statistics.variance_components import Floats


class PooledMetric(NamedTuple):
    """A pooled metric: values (replicates,), and draws (replicates, B) under B bootstrap resamples of n patients."""

    values: Floats
    draws: Floats
    n: int


@dataclass(frozen=True)
class RowData:
    """The complete runs of one row on one test dataset.

    They form replicates, the units from which the variance of training is estimated. Without folds, and with a single
    fold, each seed is a replicate. With several folds each fold is one, its seeds averaged, so that it includes the
    variation of both. A deterministic method has one replicate (one per fold).
    """

    runs: Sequence[DatasetResults]
    folds: Sequence[int | None]
    deterministic: bool = False
    _pooled: dict[Name, "PooledMetric | None"] = field(default_factory=dict, repr=False, compare=False)

    @property
    def replicates(self) -> int:
        """Number of replicates; from a single one the variance of training cannot be estimated."""
        return len(self.runs) if self._seeds_are_replicates else len(set(self.folds))

    @property
    def _seeds_are_replicates(self) -> bool:
        return not self.deterministic and len(set(self.folds)) < 2

    def case_values(self, metric: str, ids: Sequence[str]) -> Floats:
        """Values of the cases `ids`, (replicates, cases); NaN where a case is undefined in a run."""
        found = [run.cases.get(metric, {}) for run in self.runs]
        return self._by_replicate(np.array([values_of(one, ids) for one in found], np.float64))

    def mean_is_over(self, group: str, metric: str, ids: Sequence[str]) -> bool:
        """Whether, in every run, the mean of a per-case metric is over as many cases as have a value among `ids`.

        It is not where the metric includes healthy cases as well, or where cases.csv is incomplete: the per-case values
        then do not determine the mean.
        """
        names = [(group, name) for name in _names_of_mean(metric)]
        return all(
            run.values[name].n == _defined(run, metric, ids)
            for run in self.runs
            for name in names
            if name in run.values
        )

    def pooled_metric(self, name: Name) -> PooledMetric | None:
        """A pooled metric with its bootstrap draws; None where a run lacks the draws or the value."""
        if name not in self._pooled:
            self._pooled[name] = self._pool(name)
        return self._pooled[name]

    def _pool(self, name: Name) -> PooledMetric | None:
        draws = [run.draws.get(name) for run in self.runs]
        found = [run.values.get(name) for run in self.runs]
        numbers = [one.value if one else None for one in found]
        first = found[0] if found else None
        if first is None or None in numbers or len({None if one is None else len(one) for one in draws}) > 1:
            return None
        if draws[0] is None:
            return None
        rows = self._by_replicate(np.array(draws, np.float64))
        values = self._by_replicate(np.array(numbers, np.float64)[:, None])[:, 0]
        return PooledMetric(values, rows, first.n + first.undefined)

    def _by_replicate(self, values: Floats) -> Floats:
        """(runs, ...) -> (replicates, ...)."""
        if self._seeds_are_replicates:
            return values
        groups = sorted(set(self.folds), key=str)
        which = np.array([groups.index(fold) for fold in self.folds])
        return np.array([values[which == group].mean(0) for group in range(len(groups))])


def _defined(run: DatasetResults, metric: str, ids: Sequence[str]) -> int:
    return int(np.count_nonzero(~np.isnan(values_of(run.cases.get(metric, {}), ids))))


def _names_of_mean(metric: str) -> tuple[str, str]:
    """The names that the mean of a per-case metric may have: "ap" -> "ap.case", or "dice@tune" unchanged."""
    head, at, rule = metric.partition("@")
    return f"{head}.case{at}{rule}", metric


def per_case_metric(metric: str) -> str:
    """The per-case form of a metric.

    >>> per_case_metric("ap.pooled"), per_case_metric("dice.pooled@tune"), per_case_metric("dice@tune")
    ('ap', 'dice@tune', 'dice@tune')
    """
    head, at, rule = metric.partition("@")
    return head.removesuffix(".pooled").removesuffix(".case") + at + rule


def is_mean_over_cases(metric: str) -> bool:
    """Whether the metric is a mean over cases; otherwise all voxels are pooled."""
    return not metric.partition("@")[0].endswith(".pooled")


def subject_by_case(data: Mapping[str, RowData]) -> Mapping[str, str]:
    """Subject id by case id; a case that is missing is its own subject."""
    runs = (run for one in data.values() for run in one.runs)
    return next((run.subjects for run in runs if run.subjects), {})


def case_ids(data: Mapping[str, RowData], metric: str, group: str) -> list[str]:
    """Ids of the cases of a group that have an entry of the metric in any row, sorted."""
    runs = [run for one in data.values() for run in one.runs]
    known: set[str] = set().union(*(run.cases.get(metric, ()) for run in runs))
    groups = next((run.groups for run in runs if run.groups), {"all": known})  # equal in all runs of a table
    return sorted(known & groups.get(group, frozenset()))
