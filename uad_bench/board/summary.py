"""The words of the leaderboard as frozen data: finished runs in, tables out. No logic lives here.

A number is named by its group ("all", a lesion kind, "healthy") and its metric ("ap.pooled", "dice@tune").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.evaluate import bootstrap

Name = tuple[str, str]
CaseValues = Mapping[str, float | None]
Draws = npt.NDArray[np.float64]

#: What `evaluate` calls a threshold rule that looks at the test labels.
ORACLE = "@oracle"
#: How the mark of a leak begins.
LEAK = "leak "
#: Fewer seeds say little about their spread, and a rank from fewer is told to be one (docs/statistics.md).
SEEDS_FOR_SPREAD, SEEDS_TO_RANK = 3, 5


class Number(NamedTuple):
    """A metric over the cases of a group in one run: n cases are in it, None has a reason."""

    value: float | None
    n: int
    undefined: int
    reason: str = ""


@dataclass(frozen=True)
class Tested:
    """One test dataset of a run.

    test_ids: SHA-256 of ids and voxels of the test cases; fit_ids: the same with the roles of the cases that
    made the model and the thresholds (train, val, tune); options: canonical JSON of the options of the
    training and the test dataset; lesion, healthy: numbers of test cases. cases: by metric ("ap", "dice@tune") the
    values of the single cases; groups: the ids in each group ("all", a lesion kind, "healthy", "site=HH"), by default
    every case is in "all" and in no other; draws: pooled metrics under the patient resamples of
    `evaluate.bootstrap`, (B,).
    """

    test_ids: str
    fit_ids: str
    options: str
    lesion: int
    healthy: int
    numbers: Mapping[Name, Number] = field(default_factory=dict)
    cases: Mapping[str, CaseValues] = field(default_factory=dict)
    draws: Mapping[Name, Draws] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Cost(NamedTuple):
    """What a method costs, means over its runs; None where a run did not record it.

    parameters: of its networks; score_s: seconds a scan; fit_s: seconds of training; peak_mib: largest resident
    size of the process, gpu_mib: largest allocation on the GPU, MiB; device: where it ran.
    """

    parameters: int | None = None
    score_s: float | None = None
    fit_s: float | None = None
    peak_mib: int | None = None
    gpu_mib: int | None = None
    device: str = ""


NO_COST = Cost()


@dataclass(frozen=True)
class RunSummary:
    """A run as the leaderboard sees it: one method, one seed, one protocol, some test datasets.

    name: where the run is found; state: "complete", or why there are no numbers, explained by `error`;
    settings: all hyper-parameters and whatever else of the specification moves a number; pinned: the part of
    the protocol that `fingerprint` is the digest of; tested: by test dataset; marks: what the run carries for
    good: a published split, a leak ("leak ..."); baseline, paper: as the method declares them; fold: which fold
    was val, None without folds.
    """

    name: str
    state: str
    method: str
    settings: Mapping[str, Any]
    seed: int
    protocol: str
    fingerprint: str
    pinned: Mapping[str, Any]
    primary: str
    train: str
    tested: Mapping[str, Tested]
    deterministic: bool = False
    null: bool = False
    error: str = ""
    marks: tuple[str, ...] = ()
    baseline: bool = False
    paper: str = ""
    cost: Cost = NO_COST
    fold: int | None = None


class Key(NamedTuple):
    """What two runs must share to stand in one ranking."""

    protocol: str
    test: str
    train: str
    fingerprint: str
    options: str
    fit_ids: str
    test_ids: str


class Cell(NamedTuple):
    """A metric over runs: mean and sample deviation (None below two seeds) of `seeds` defined values.

    n: cases in the value, undefined: cases that are not, both of the worst seed; reason: why not. low, high: the
    95 % interval over seeds and patients (None where it cannot be given). With folds `seeds` counts runs, sd is
    that of the seeds within a fold, pooled over the folds, and fold_sd that of the folds' means.
    """

    mean: float | None
    sd: float | None
    seeds: int
    n: int
    undefined: int
    reason: str = ""
    low: float | None = None
    high: float | None = None
    fold_sd: float | None = None


class Contrast(NamedTuple):
    """The paired difference of a row to another one in `metric`, over `n` patients, seeds averaged first.

    difference: this row less `other`, with its 95 % interval; p: sign-flip permutation test, p_holm: the same after
    Holm's correction over the table; p_wilcoxon: signed-rank test. None where too few patients are shared.
    """

    other: str
    metric: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_wilcoxon: float | None


class Standing(NamedTuple):
    """How sure a rank is: its 95 % interval over bootstraps of the patients, the share of them in which it is the
    first, and the letters of the groups of rows that no test tells apart ("a", "ab"; after "z" comes "a1").

    by_case: a second opinion, the rank by the mean of the ranks on each patient; None without values of cases.
    """

    low: int
    high: int
    first: float
    letters: str
    by_case: int | None = None


class Critical(NamedTuple):
    """What a critical-difference diagram shows (Demsar 2006): ranked rows by their mean rank over `n` patients.

    mean_ranks: (label, mean rank), the best first; difference: Nemenyi's critical difference, None with fewer than
    two rows; p: Friedman's test (None with fewer than three rows); cliques: largest sets of labels whose mean ranks
    lie closer than that.
    """

    metric: str
    n: int
    mean_ranks: tuple[tuple[str, float], ...]
    difference: float | None
    p: float | None
    cliques: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scheme:
    """How intervals, tests and ranks are made; whoever has this and the runs can make them again.

    draws, seed: of the patient resamples; flips: random sign flips of a paired test, exact: up to so many patients
    all of them are tried.
    """

    draws: int = bootstrap.DRAWS
    seed: int = bootstrap.SEED
    alpha: float = 0.05
    flips: int = 10_000
    exact: int = 16
    interval: str = "two-way (seeds x patients) variance components, t quantile"
    test: str = "paired sign-flip permutation"
    correction: str = "Holm"
    ranking: str = "aggregate, then rank"


SCHEME = Scheme()


@dataclass(frozen=True)
class Reported:
    """Numbers that a paper printed, as fractions of 1: area under the PR curve and ceiling Dice."""

    method: str
    dataset: str
    modality: str
    citation: str
    source: str
    ap: float | None
    ap_sd: float | None
    dice: float | None
    dice_sd: float | None


@dataclass(frozen=True)
class Row:
    """One method with one set of parameters.

    rank: None for a null row and where not every seed that was begun has the primary metric; done, begun:
    numbers of seeds, or of runs where there are `folds` of them; failures: a line for each seed without numbers;
    marks: see `RunSummary`. standing, to_best and to_baseline are None where the row is not ranked or has nobody
    to be compared with. values: the primary metric's form by case for each test case, seeds averaged first.
    """

    rank: int | None
    label: str
    method: str
    null: bool
    deterministic: bool
    done: int
    begun: int
    cells: Mapping[Name, Cell]
    failures: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()
    marks: tuple[str, ...] = ()
    paper: str = ""
    baseline: bool = False
    standing: Standing | None = None
    to_best: Contrast | None = None
    to_baseline: Contrast | None = None
    cost: Cost = NO_COST
    values: CaseValues = field(default_factory=dict)
    folds: int = 0

    @property
    def leaky(self) -> bool:
        """Some run of the row was allowed a leak: it is shown, and never ranked."""
        return any(mark.startswith(LEAK) for mark in self.marks)

    @property
    def complete(self) -> bool:
        """Every seed that was begun has numbers."""
        return self.done == self.begun


@dataclass(frozen=True)
class Table:
    """One ranking: null rows first, then by rank, then rows that miss seeds.

    primary: the metric that ranks (group "all", higher is better); lesion, healthy: numbers of test cases;
    apart: why it is not one table with the first of the same test dataset, "" for that first one. tau: mean Kendall
    tau between the ranking and those of the patient resamples; cautions: lines on how to read the statistics.
    """

    key: Key
    primary: str
    lesion: int
    healthy: int
    rows: Sequence[Row]
    apart: str = ""
    scheme: Scheme = SCHEME
    tau: float | None = None
    critical: Critical | None = None
    cautions: tuple[str, ...] = ()

    @property
    def groups(self) -> list[str]:
        """The lesion kinds that any row has numbers for, by name."""
        return [group for group in self._parts if "=" not in group]

    @property
    def strata(self) -> list[str]:
        """The strata that any row has numbers for ("site=HH"), by name."""
        return [group for group in self._parts if "=" in group]

    @property
    def _parts(self) -> list[str]:
        return sorted({group for row in self.rows for group, _ in row.cells} - {"all", "healthy"})

    def prevalence(self, group: str, form: str) -> float | None:
        """The average precision of a random score, "pooled" or per "case"; equal for all rows."""
        found = [row.cells.get((group, f"prevalence.{form}")) for row in self.rows]
        return next((cell.mean for cell in found if cell), None)
