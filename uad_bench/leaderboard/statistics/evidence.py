"""What the statistics of a row are made from: arrays of its runs' values by case, and of their pooled metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from uad_bench.leaderboard.run_summary import Name, Tested
from uad_bench.leaderboard.statistics.intervals import Floats


class Pooled(NamedTuple):
    """A pooled metric: values (replicates,), draws (replicates, B) under resamples of n patients."""

    values: Floats
    draws: Floats
    n: int


@dataclass(frozen=True)
class Evidence:
    """The finished runs of one row on one test dataset.

    They make replicates, the units that the spread is estimated from: each seed is one, also within a single fold;
    with several folds each fold is one, its seeds averaged, so that the spread of both is in it; a method that draws
    nothing at random has a single one (and one a fold).
    """

    runs: Sequence[Tested]
    folds: Sequence[int | None]
    deterministic: bool = False
    _pools: dict[Name, "Pooled | None"] = field(default_factory=dict, repr=False, compare=False)

    @property
    def replicates(self) -> int:
        """How many units the spread over training is estimated from; from one it is not."""
        return len(self.runs) if self._apart else len(set(self.folds))

    @property
    def _apart(self) -> bool:
        """Each run is a replicate: what differs between them is the seed alone."""
        return not self.deterministic and len(set(self.folds)) < 2

    def cases(self, metric: str, ids: Sequence[str]) -> Floats:
        """Values of the cases `ids`, (replicates, patients); NaN where one is not defined in each run."""
        found = [run.cases.get(metric, {}) for run in self.runs]
        return self._replicates(np.array([[one.get(i) for i in ids] for one in found], np.float64))

    def whole(self, group: str, metric: str, ids: Sequence[str]) -> bool:
        """The cases `ids` of a group are those that the mean of the metric is made of, in number, in each run.

        They are not where a metric is about healthy cases too, or where a file lacks cases: then values by case say
        nothing about the mean.
        """
        names = [(group, name) for name in _means_of(metric)]
        return all(
            run.numbers[name].n == _defined(run, metric, ids)
            for run in self.runs
            for name in names
            if name in run.numbers
        )

    def pooled(self, name: Name) -> Pooled | None:
        """A pooled metric and its draws; None where a run lacks them or its value."""
        if name not in self._pools:
            self._pools[name] = self._pooled(name)
        return self._pools[name]

    def _pooled(self, name: Name) -> Pooled | None:
        draws = [run.draws.get(name) for run in self.runs]
        numbers = [run.numbers.get(name) for run in self.runs]
        values = [number.value if number else None for number in numbers]
        first = numbers[0] if numbers else None
        if first is None or None in values or len({None if one is None else len(one) for one in draws}) > 1:
            return None
        if draws[0] is None:
            return None
        rows = self._replicates(np.array(draws, np.float64))
        scores = self._replicates(np.array(values, np.float64)[:, None])[:, 0]
        return Pooled(scores, rows, first.n + first.undefined)

    def _replicates(self, values: Floats) -> Floats:
        """Runs -> replicates, along the first axis."""
        if self._apart:
            return values
        groups = sorted(set(self.folds), key=str)
        which = np.array([groups.index(fold) for fold in self.folds])
        return np.array([values[which == group].mean(0) for group in range(len(groups))])


def _defined(run: Tested, metric: str, ids: Sequence[str]) -> int:
    by_case = run.cases.get(metric, {})
    return sum(by_case.get(i) is not None for i in ids)


def _means_of(metric: str) -> tuple[str, str]:
    """What the mean of a metric by case is called: "ap" -> "ap.case", "dice@tune" as it is."""
    head, at, rule = metric.partition("@")
    return f"{head}.case{at}{rule}", metric


def case_form(metric: str) -> str:
    """The metric of single cases that goes with a number: "ap.pooled" -> "ap", "dice.pooled@tune" -> "dice@tune"."""
    head, at, rule = metric.partition("@")
    return head.removesuffix(".pooled").removesuffix(".case") + at + rule


def is_mean(metric: str) -> bool:
    """The number is a mean over cases, not one of a pool."""
    return not metric.partition("@")[0].endswith(".pooled")


def subjects_of(evidence: Mapping[str, Evidence]) -> Mapping[str, str]:
    """The subject of each test case; a case that is not in it is a subject of its own."""
    runs = (run for one in evidence.values() for run in one.runs)
    return next((run.subjects for run in runs if run.subjects), {})


def case_ids(evidence: Mapping[str, Evidence], metric: str, group: str) -> list[str]:
    """The cases of a group that any row has an entry of the metric for, sorted."""
    runs = [run for one in evidence.values() for run in one.runs]
    known: set[str] = set().union(*(run.cases.get(metric, ()) for run in runs))
    groups = next(
        (run.groups for run in runs if run.groups), {"all": known}
    )  # a table has one set of test cases
    return sorted(known & groups.get(group, frozenset()))
