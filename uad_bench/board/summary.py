"""The words of the leaderboard as frozen data: finished runs in, tables out. No logic lives here.

A number is named by its group ("all", a lesion kind, "healthy") and its metric ("ap.pooled", "dice@tune").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Name = tuple[str, str]

#: What `evaluate` calls a threshold rule that looks at the test labels.
ORACLE = "@oracle"
#: How the mark of a leak begins.
LEAK = "leak "


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
    training and the test dataset; lesion, healthy: numbers of test cases.
    """

    test_ids: str
    fit_ids: str
    options: str
    lesion: int
    healthy: int
    numbers: Mapping[Name, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSummary:
    """A run as the leaderboard sees it: one method, one seed, one protocol, some test datasets.

    name: where the run is found; state: "complete", or why there are no numbers, explained by `error`;
    settings: all hyper-parameters and whatever else of the specification moves a number; pinned: the part of
    the protocol that `fingerprint` is the digest of; tested: by test dataset; marks: what the run carries for
    good: a published split, a leak ("leak ...").
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
    """A metric over seeds: mean and sample deviation (None below two seeds) of `seeds` defined values.

    n: cases in the value, undefined: cases that are not, both of the worst seed; reason: why not.
    """

    mean: float | None
    sd: float | None
    seeds: int
    n: int
    undefined: int
    reason: str = ""


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
    numbers of seeds; failures: a line for each seed without numbers; marks: see `RunSummary`.
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
    apart: why it is not one table with the first of the same test dataset, "" for that first one.
    """

    key: Key
    primary: str
    lesion: int
    healthy: int
    rows: Sequence[Row]
    apart: str = ""

    @property
    def groups(self) -> list[str]:
        """The lesion kinds that any row has numbers for, by name."""
        return sorted({group for row in self.rows for group, _ in row.cells} - {"all", "healthy"})

    def prevalence(self, group: str, form: str) -> float | None:
        """The average precision of a random score, "pooled" or per "case"; equal for all rows."""
        found = [row.cells.get((group, f"prevalence.{form}")) for row in self.rows]
        return next((cell.mean for cell in found if cell), None)
