"""Data types of one run as the leaderboard reads it. Frozen data, no logic.

A metric value is addressed by its group ("all", a lesion kind, "healthy") and its metric ("ap.pooled", "dice@tune").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.types import USUAL_TRACK

#: (group, metric).
Name = tuple[str, str]
CaseValues = Mapping[str, float | None]
Draws = npt.NDArray[np.float64]

#: How the threshold rules that use the test labels begin in a metric's name.
ORACLE = "@oracle"
#: Separates a post-processing step from the metric of the maps after that step: "raw:ap.case".
STEP_SEPARATOR = ":"
#: How the mark of a data leak begins.
LEAK = "leak "
#: Seeds needed for a standard deviation, and for a rank without the mark "few seeds" (docs/statistics.md).
SEEDS_FOR_SPREAD, SEEDS_TO_RANK = 3, 5


class MetricValue(NamedTuple):
    """A metric over the cases of one group in one run.

    value: None where the metric is undefined, with the `reason`; n: cases in the value; undefined: cases without one;
    oracle: the metric uses the test labels; lower: lower values are better; value_range: as a metric of a plug-in
    declares it, "" where the run has not recorded one.
    """

    value: float | None
    n: int
    undefined: int
    reason: str = ""
    oracle: bool = False
    lower: bool = False
    value_range: str = ""


@dataclass(frozen=True)
class DatasetResults:
    """Results of a run on one test dataset.

    test_ids: SHA-256 of ids and voxels of the test cases; fit_ids: the same, with the roles, of the cases that the
    model and the thresholds were fitted on (train, val, tune); options: canonical JSON of the options of the training
    and the test dataset; lesion, healthy: numbers of test cases; values: by group and metric.

    cases: by metric ("ap", "dice@tune") the value of each case; groups: ids of the cases in each group ("all", a lesion
    kind, "healthy"), empty: every case is in "all" only; draws: pooled metrics under the patient resamples of
    `evaluate.curves.bootstrap`, each (B,); subjects: subject id by case id, a missing case is its own subject.
    """

    test_ids: str
    fit_ids: str
    options: str
    lesion: int
    healthy: int
    values: Mapping[Name, MetricValue] = field(default_factory=dict)
    cases: Mapping[str, CaseValues] = field(default_factory=dict)
    draws: Mapping[Name, Draws] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)


class Cost(NamedTuple):
    """Computational cost of a run, or means over runs; None where it was not recorded.

    parameters: number of network parameters; score_s: scoring time per scan, s; fit_s: training time, s;
    peak_mib: maximum resident memory of the process, MiB; gpu_mib: maximum GPU allocation, MiB; device: model of
    the GPU, or of the CPU with its number of threads.
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
    """A run as the leaderboard reads it: one method, one seed, one protocol, one or more test datasets.

    name: path of the run relative to its root; state: "complete", or another state explained by `error`;
    settings: all hyper-parameters and whatever else of the specification changes results; pinned: the part of the
    protocol that `fingerprint` is the digest of; results: by test dataset; null: control;
    marks: permanent remarks, a published split or an allowed data leak ("leak ..."); baseline, paper: as declared by
    the method; fold: index of the validation fold, None without cross-validation; changed: parameters that are not
    those of the protocol's preset, empty for runs of older versions; version: that of the method; outdated: another
    version of the method is installed; model: digest of the model, as in predictions and weights bundles, "" for runs
    of older versions; track: what the method learns from, one of `types.TRACKS`.
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
    results: Mapping[str, DatasetResults]
    deterministic: bool = False
    null: bool = False
    error: str = ""
    marks: tuple[str, ...] = ()
    baseline: bool = False
    paper: str = ""
    cost: Cost = NO_COST
    fold: int | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    outdated: bool = False
    model: str = ""
    track: str = USUAL_TRACK

    @property
    def complete(self) -> bool:
        """The run finished and has results."""
        return self.state == "complete"
