"""What a table is, as frozen data: its rows and their numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from uad_bench.leaderboard.run_summary import LEAK, NO_COST, ORACLE, CaseValues, Cost, Name
from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, Critical, Scheme, Standing


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
    that of the seeds within a fold, pooled over the folds, and fold_sd that of the folds' means. oracle, lower: see
    `Number`.
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
    oracle: bool = False
    lower: bool = False


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
    tau between the ranking and those of the patient resamples; cautions: lines on how to read the statistics. stages:
    clean-up steps, in their order, that there are numbers of beside the final ones: "raw" of "raw:ap.case".
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
    stages: tuple[str, ...] = ()

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

    def oracle(self, metric: str) -> bool:
        """The metric looks at the test labels: its name or a cell of it says so."""
        return ORACLE in metric or any(cell.oracle for cell in self._cells(metric))

    def lower(self, metric: str) -> bool:
        """Lower is better."""
        return any(cell.lower for cell in self._cells(metric))

    def _cells(self, metric: str) -> Iterator[Cell]:
        return (cell for row in self.rows for (_, name), cell in row.cells.items() if name == metric)

    def prevalence(self, group: str, form: str) -> float | None:
        """The average precision of a random score, "pooled" or per "case"; equal for all rows."""
        found = [row.cells.get((group, f"prevalence.{form}")) for row in self.rows]
        return next((cell.mean for cell in found if cell), None)
