"""What a run is, as frozen data: what the leaderboard reads of each. No logic lives here.

A number is named by its group ("all", a lesion kind, "healthy") and its metric ("ap.pooled", "dice@tune").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Name = tuple[str, str]
CaseValues = Mapping[str, float | None]
Draws = npt.NDArray[np.float64]

#: What `evaluate` calls a threshold rule that looks at the test labels.
ORACLE = "@oracle"
#: What stands between a clean-up step and a metric of the maps as that step left them: "raw:ap.case".
STAGE = ":"
#: How the mark of a leak begins.
LEAK = "leak "
#: Fewer seeds say little about their spread, and a rank from fewer is told to be one (docs/statistics.md).
SEEDS_FOR_SPREAD, SEEDS_TO_RANK = 3, 5


class Number(NamedTuple):
    """A metric over the cases of a group in one run: n cases are in it, None has a reason.

    oracle: it looks at the test labels; lower: lower is better.
    """

    value: float | None
    n: int
    undefined: int
    reason: str = ""
    oracle: bool = False
    lower: bool = False


@dataclass(frozen=True)
class Tested:
    """One test dataset of a run.

    test_ids: SHA-256 of ids and voxels of the test cases; fit_ids: the same with the roles of the cases that
    made the model and the thresholds (train, val, tune); options: canonical JSON of the options of the
    training and the test dataset; lesion, healthy: numbers of test cases. cases: by metric ("ap", "dice@tune") the
    values of the single cases; groups: the ids in each group ("all", a lesion kind, "healthy"), by default every case
    is in "all" and in no other; draws: pooled metrics under the patient resamples of `evaluate.bootstrap`, (B,);
    subjects: whose each test case is, by default each is of a subject of its own.
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
    subjects: Mapping[str, str] = field(default_factory=dict)


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
