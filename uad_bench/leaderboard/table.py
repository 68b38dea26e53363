"""Data types of a leaderboard table: its key, its rows and their values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from uad_bench.leaderboard.run_summary import LEAK, NO_COST, ORACLE, CaseValues, Cost, Name
from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, CriticalDifference, RankStatistics, Scheme
from uad_bench.types import USUAL_TRACK


class TableKey(NamedTuple):
    """What runs must have in common to be ranked together. Field names are those in CSV and JSON."""

    protocol: str
    test: str
    train: str
    fingerprint: str
    options: str
    fit_ids: str
    test_ids: str
    track: str = USUAL_TRACK

    @property
    def without_track(self) -> "TableKey":
        """What runs of all tracks with the same data and protocol have in common."""
        return self._replace(track=USUAL_TRACK)


class Cell(NamedTuple):
    """A metric of one row: mean over runs. Field names are those in CSV and JSON.

    mean: None where no run has a value, with the `reason`; sd: sample standard deviation (ddof = 1) over seeds, None
    with fewer than two; seeds: number of runs with a value; n, undefined: cases with and without a value, the worst
    run's; low, high: 95 % confidence interval, None where it cannot be computed, and `interval`, how it was computed:
    "logit", or "symmetric: " and the reason (see `add_intervals`). With folds, sd is pooled over the seeds within
    folds, and fold_sd is the standard deviation of the fold means. oracle, lower: see `MetricValue`.
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
    interval: str = ""


@dataclass(frozen=True)
class Reported:
    """Results printed in a paper, as fractions of 1: average precision and best possible Dice."""

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

    rank: None for a control (`null`), where a started seed lacks the primary metric, and in a table of
    few patients; done, started: numbers of seeds, or of runs where there are several `folds`; failures: one line per
    run without results; marks: see `RunSummary`; rank_statistics: None where the row is not ranked; to_best,
    to_baseline, to_reference: differences to the best row, to the best method declared a baseline and to the strongest
    reference row, None without one; values: per-case form of the primary metric by case id, averaged over seeds;
    settings: parameters of the method; models: digest of the model of each run that recorded it; track: what the method
    learns from.
    """

    rank: int | None
    label: str
    method: str
    null: bool
    deterministic: bool
    done: int
    started: int
    cells: Mapping[Name, Cell]
    failures: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()
    marks: tuple[str, ...] = ()
    paper: str = ""
    baseline: bool = False
    rank_statistics: RankStatistics | None = None
    to_best: Contrast | None = None
    to_baseline: Contrast | None = None
    to_reference: Contrast | None = None
    cost: Cost = NO_COST
    values: CaseValues = field(default_factory=dict)
    folds: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    track: str = USUAL_TRACK

    @property
    def leaky(self) -> bool:
        """A run of this row was allowed a data leak: the row is shown but never ranked."""
        return any(mark.startswith(LEAK) for mark in self.marks)

    @property
    def is_reference(self) -> bool:
        """A row that every method should beat: a control, or a method declared a baseline."""
        return self.null or self.baseline

    @property
    def complete(self) -> bool:
        """Every started seed has results."""
        return self.done == self.started

    def mean(self, name: Name) -> float | None:
        """Mean over seeds of a metric, None where the row has none."""
        cell = self.cells.get(name)
        return cell.mean if cell else None


@dataclass(frozen=True)
class Table:
    """One ranking: controls first, then rows by rank, then rows with missing seeds.

    primary: the metric that ranks (group "all", higher is better); lesion, healthy: numbers of test cases;
    not_comparable: why the runs are not ranked together with the first table of the same test dataset, "" for that
    table; tau: mean Kendall tau-b between the ranking and those of the patient resamples; warnings: sentences on the
    limits of the statistics; steps: post-processing steps with results of their own, in order ("raw" of "raw:ap.case");
    values_only: there are too few patients for ranks, intervals and tests; after_threshold: post-processing steps that
    change a thresholded map, after its threshold was found; patients: subjects with a case in the primary metric, or
    cases with lesions where the subjects are unknown; tracks: the tracks of all tables with the same data and protocol,
    in the order of `types.TRACKS`.
    """

    key: TableKey
    primary: str
    lesion: int
    healthy: int
    rows: Sequence[Row]
    not_comparable: str = ""
    scheme: Scheme = SCHEME
    tau: float | None = None
    critical: CriticalDifference | None = None
    warnings: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    values_only: bool = False
    after_threshold: tuple[str, ...] = ()
    patients: int = 0
    tracks: tuple[str, ...] = ()

    @property
    def names(self) -> set[Name]:
        """(group, metric) of every value in the table."""
        return {name for row in self.rows for name in row.cells}

    @property
    def lesion_kinds(self) -> list[str]:
        """Lesion kinds with values in any row, sorted."""
        return [group for group in self._subgroups if "=" not in group]

    @property
    def strata(self) -> list[str]:
        """Strata with values in any row ("site=HH"), sorted."""
        return [group for group in self._subgroups if "=" in group]

    @property
    def _subgroups(self) -> list[str]:
        return sorted({group for group, _ in self.names} - {"all", "healthy"})

    def oracle(self, metric: str) -> bool:
        """Whether the metric uses the test labels, by its name or by the flag of its values."""
        return ORACLE in metric or any(cell.oracle for cell in self._cells(metric))

    def lower(self, metric: str) -> bool:
        """Whether lower values are better."""
        return any(cell.lower for cell in self._cells(metric))

    def _cells(self, metric: str) -> Iterator[Cell]:
        return (cell for row in self.rows for (_, name), cell in row.cells.items() if name == metric)

    def prevalence(self, group: str, form: str) -> float | None:
        """Prevalence of lesion voxels, the expected average precision of random scores; form: "pooled" or "case"."""
        found = [row.cells.get((group, f"prevalence.{form}")) for row in self.rows]
        return next((cell.mean for cell in found if cell), None)
