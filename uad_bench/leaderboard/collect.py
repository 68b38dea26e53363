"""Run directories -> summaries for the leaderboard. A run that fails its integrity check is refused by name."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from uad_bench.config import MAPS_ONLY, RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import UadError
from uad_bench.leaderboard.case_values import CaseColumn, read_case_values
from uad_bench.leaderboard.installed_version import installed_version
from uad_bench.leaderboard.run_summary import (
    NO_COST,
    ORACLE,
    Cost,
    DatasetResults,
    Draws,
    MetricValue,
    Name,
    RunSummary,
)
from uad_bench.leaderboard.track import track_of
from uad_bench.plugins import label
from uad_bench.results import csv_tables
from uad_bench.results.readable import readable
from uad_bench.results.run_directory import RunDir

Value = TypeVar("Value")
MAPS_ONLY_REMARK = (
    "maps only: maps of another program; its training data, and whether it used labels, cannot be verified"
)


@dataclass(frozen=True)
class _Measured:
    """The measurements of a run on one test dataset, as in its files."""

    values: dict[Name, MetricValue] = field(default_factory=dict)
    cases: dict[str, CaseColumn] = field(default_factory=dict)
    draws: dict[Name, Draws] = field(default_factory=dict)


@dataclass(frozen=True)
class Collected:
    """Summaries of the readable runs with their directories, and one error for each refused run."""

    runs: tuple[RunSummary, ...]
    refused: tuple[UadError, ...]
    directories: tuple[RunDir, ...] = ()


def collect(directories: Iterable[RunDir]) -> Collected:
    """Summaries of all readable runs; incomplete or edited runs and foreign files are returned as refused."""
    runs, refused, read = [], [], []
    for directory in directories:
        try:
            runs.append(summarise(directory))
            read.append(directory)
        except UadError as error:
            refused.append(error)
    return Collected(tuple(runs), tuple(refused), tuple(read))


def summarise(run: RunDir) -> RunSummary:
    """Summary of one run; a run that is not complete has no results.

    Raises IntegrityError where a complete run was changed after it was sealed or a file cannot be read.
    """
    with readable(run):
        return _summary(run)


def _summary(run: RunDir) -> RunSummary:
    spec, status, machine = run.spec(), run.status(), run.environment()
    state, protocol, facts = str(status["state"]), spec.protocol, machine.get("method", {})
    if state == "complete":
        run.verify(model=False)
    measured = _measured(run) if state == "complete" else {}
    splits = run.table("splits.csv")
    return RunSummary(
        name=run.name,
        state=state,
        method=spec.method,
        settings=_settings(spec),
        seed=spec.seed,
        protocol=protocol.name,
        fingerprint=protocol.fingerprint,
        pinned=protocol.pinned,
        primary=protocol.primary,
        train=label(protocol.train),
        results={
            test: _results(spec, test, splits, measured.get(test, _Measured()))
            for test in map(label, spec.test)
        },
        deterministic=bool(facts.get("deterministic")),
        null=bool(facts.get("null")),
        error=str(status.get("error", "")),
        marks=_marks(run, spec, machine.get("continued_with", ())),
        baseline=bool(facts.get("baseline")),
        paper=str(facts.get("paper", "")),
        cost=_cost(status, machine) if state == "complete" else NO_COST,
        fold=spec.fold,
        changed=dict(facts.get("changed", {})),
        version=spec.version,
        outdated=installed_version(spec) not in {None, spec.version},
        model=str(status.get("model", "")),
        track=track_of(run, spec, facts),
    )


def _cost(status: Mapping[str, Any], machine: Mapping[str, Any]) -> Cost:
    """The cost recorded in status.json and env.json; None where a figure is not recorded."""
    return Cost(
        parameters=_optional(int, status.get("parameters")),
        score_s=_optional(float, status.get("score_s_per_scan")),
        fit_s=_optional(float, status.get("fit_s")),
        peak_mib=_optional(int, status.get("peak_memory_mib")),
        gpu_mib=_optional(int, status.get("gpu_memory_mib")),
        device=_device(machine),
    )


def _device(machine: Mapping[str, Any]) -> str:
    """The model of the GPU, or that of the CPU with the number of threads, on which times depend."""
    device = str(machine.get("device", ""))
    model = str(machine.get("device_name") or device).replace(", ", " ")  # ", " joins the devices of a row
    threads = machine.get("threads")
    if device != "cpu" or threads is None:
        return model
    return f"{model} ({threads} thread{'' if threads == 1 else 's'})"


def _optional(kind: Callable[[Any], Value], value: Any) -> Value | None:  # any JSON value
    return None if value is None else kind(value)


def _marks(run: RunDir, spec: RunSpec, continued_with: Sequence[str] = ()) -> tuple[str, ...]:
    """Remarks on a run: another version of its method, a mixed training, a published split, allowed data leaks."""
    published = [f"roles from a published split, {spec.splits}"] if spec.splits else []
    installed = installed_version(spec)
    if installed not in {None, spec.version}:
        what = f"{spec.method} was run with version {spec.version} of the method, version {installed} is installed"
        published.append(f"{what}: the numbers are not those of the present method")
    if continued_with:
        what = (
            f"{spec.method} seed {spec.seed}: training was continued with other {', '.join(continued_with)}"
        )
        published.append(f"{what}, so that no single version made the model")
    found = json.loads((run.path / "audit.json").read_text()) if spec.allow_leak else []
    leaks = [f"leak {one['rule']}: {one['what']}" for one in found if one["severity"] == "error"]
    return (*published, *leaks, *((MAPS_ONLY_REMARK,) if spec.target == MAPS_ONLY else ()))


def _settings(spec: RunSpec) -> dict[str, object]:
    """All parts of a specification that change results within one protocol, except the seed."""
    of_run = spec.model_dump(mode="json", include={"target", "precision", "time_budget_s"})
    for later, unused in (
        ("map_bits", 32),
        ("version", 1),
    ):  # newer than the other settings: runs with the default
        if (value := getattr(spec, later)) != unused:  # share a row with older runs
            of_run[later] = value
    dumped: dict[str, object] = spec.model_dump(mode="json")["parameters"]
    return dumped | {f"run.{key}": value for key, value in of_run.items()}


def _results(spec: RunSpec, test: str, splits: list[dict[str, str]], measured: _Measured) -> DatasetResults:
    cases = [row for row in splits if (row["role"], row["dataset"]) == ("test", test)]
    used = {label(spec.protocol.train), test}
    options = {label(name): given for name, given in spec.datasets.items() if label(name) in used and given}
    healthy = sum(row["healthy"] == "True" for row in cases)
    return DatasetResults(
        test_ids=ids_hash(f"{row['case_id']} {row['content']}" for row in cases),
        fit_ids=_fit_ids(spec, test, splits),
        options=json.dumps(options, sort_keys=True),
        lesion=len(cases) - healthy,
        healthy=healthy,
        values=measured.values,
        cases=measured.cases,
        draws=measured.draws,
        groups=_groups(cases),
        subjects={row["case_id"]: row.get("subject_id") or row["case_id"] for row in cases},
    )


def _fit_ids(spec: RunSpec, test: str, splits: list[dict[str, str]]) -> str:
    """Digest of the train, val and tune cases with their roles.

    With cross-validation, train and val have one common role, so that the folds of one plan share a digest, which
    differs from that of runs without folds.
    """
    folds = spec.fold is not None
    roles = {"train": "fold", "val": "fold"} if folds else {"train": "train", "val": "val"}
    used = [row for row in splits if row["role"] in roles or (row["role"], row["dataset"]) == ("tune", test)]
    return ids_hash(
        f"{roles.get(row['role'], row['role'])}/{row['case_id']} {row['content']}" for row in used
    )


def _groups(cases: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    """Ids of test cases by group: "all" (with lesions), each lesion kind, "healthy".

    Strata ("site=HH", "load=5-20ml") are not included, since splits.csv does not define all of them; they therefore
    have no confidence intervals.
    """
    groups: dict[str, set[str]] = {"all": set()}
    for row in cases:
        names = ["healthy"] if row["healthy"] == "True" else ["all", row["lesion_kind"] or "all"]
        for name in names:
            groups.setdefault(name, set()).add(row["case_id"])
    return {name: frozenset(ids) for name, ids in groups.items()}


def _measured(run: RunDir) -> dict[str, _Measured]:
    """The measurements by dataset. Raises ValueError for a value that is not finite."""
    found: dict[str, _Measured] = {}
    for row in run.table("metrics.csv"):
        found.setdefault(row["dataset"], _Measured()).values[row["group"], row["metric"]] = _metric_value(row)
    for dataset, by_metric in read_case_values(run.path / "cases.csv").items():
        found.setdefault(dataset, _Measured()).cases.update(by_metric)
    for (dataset, group, metric), draws in run.draws().items():
        found.setdefault(dataset, _Measured()).draws[group, metric] = draws
    return found


def _metric_value(row: Mapping[str, str]) -> MetricValue:
    """A line of metrics.csv. Older runs lack the flags; an oracle is then known by its threshold rule."""
    return MetricValue(
        _finite(row),
        int(row["n"]),
        int(row["undefined"]),
        row["reason"],
        oracle=ORACLE in row["metric"] or row.get("oracle") == "True",
        lower=row.get("higher_is_better") == "False",
        value_range=row.get(csv_tables.VALUE_RANGE) or "",
    )


def _finite(row: Mapping[str, str]) -> float | None:
    value = float(row["value"]) if row["value"] else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{row['metric']} is {value}")
    return value
