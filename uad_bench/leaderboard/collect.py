"""Run directories -> what the leaderboard is made of. A run that cannot be trusted is refused, by name."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from uad_bench.config import RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import IntegrityError, UadError
from uad_bench.leaderboard.run_summary import NO_COST, ORACLE, Cost, Name, Number, RunSummary, Tested
from uad_bench.plugins import label
from uad_bench.results.run_directory import FloatArray64, RunDir

Value = TypeVar("Value")


@dataclass(frozen=True)
class Numbers:
    """What was measured on one test dataset of a run."""

    numbers: dict[Name, Number] = field(default_factory=dict)
    cases: dict[str, dict[str, float | None]] = field(default_factory=dict)
    draws: dict[Name, FloatArray64] = field(default_factory=dict)


@dataclass(frozen=True)
class Collected:
    """The runs that can be read, and an error for each one that cannot."""

    runs: tuple[RunSummary, ...]
    refused: tuple[UadError, ...]


def collect(directories: Iterable[RunDir]) -> Collected:
    """Summaries of all readable runs; half-written, foreign and edited ones are refused, never fatal."""
    runs, refused = [], []
    for directory in directories:
        try:
            runs.append(summarise(directory))
        except UadError as error:
            refused.append(error)
    return Collected(tuple(runs), tuple(refused))


def summarise(run: RunDir) -> RunSummary:
    """A run as the leaderboard sees it; a run that is not complete has no numbers.

    Raises IntegrityError where a complete run was changed after it was sealed or a file is not readable.
    """
    try:
        return _summary(run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        what = f"not a readable run: {type(error).__name__}: {error}"
        raise IntegrityError(what, where=run.name, hint="run it again with --fresh") from error


def _summary(run: RunDir) -> RunSummary:
    spec, status, machine = run.spec(), run.status(), run.environment()
    state, protocol, facts = str(status["state"]), spec.protocol, machine.get("method", {})
    if state == "complete":
        run.verify(model=False)
    numbers = _numbers(run) if state == "complete" else {}
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
        tested={
            test: _tested(spec, test, splits, numbers.get(test, Numbers())) for test in map(label, spec.test)
        },
        deterministic=bool(facts.get("deterministic")),
        null=bool(facts.get("null")),
        error=str(status.get("error", "")),
        marks=_marks(run, spec),
        baseline=bool(facts.get("baseline")),
        paper=str(facts.get("paper", "")),
        cost=_cost(status, machine) if state == "complete" else NO_COST,
        fold=spec.fold,
    )


def _cost(status: Mapping[str, Any], machine: Mapping[str, Any]) -> Cost:
    """What status.json and env.json say a run cost; a figure that is not recorded is None."""
    device = str(machine.get("device", ""))
    return Cost(
        parameters=_given(int, status.get("parameters")),
        score_s=_given(float, status.get("score_s_per_scan")),
        fit_s=_given(float, status.get("fit_s")),
        peak_mib=_given(int, status.get("peak_memory_mib")),
        gpu_mib=_given(int, status.get("gpu_memory_mib")),
        device=str(machine.get("device_name") or device) if device.startswith("cuda") else device,
    )


def _given(kind: Callable[[Any], Value], value: Any) -> Value | None:  # any JSON value
    return None if value is None else kind(value)


def _marks(run: RunDir, spec: RunSpec) -> tuple[str, ...]:
    """What a run carries for good: a published split, and the leaks that it was allowed."""
    published = [f"roles from a published split, {spec.splits}"] if spec.splits else []
    found = json.loads((run.path / "audit.json").read_text()) if spec.allow_leak else []
    leaks = [f"leak {one['rule']}: {one['what']}" for one in found if one["severity"] == "error"]
    return (*published, *leaks)


def _settings(spec: RunSpec) -> dict[str, object]:
    """Whatever of a specification moves a number within one protocol, but for the seed."""
    of_run = spec.model_dump(mode="json", include={"target", "precision", "time_budget_s"})
    if spec.map_bits != 32:  # came later: runs that do not use it are one row with those from before
        of_run["map_bits"] = spec.map_bits
    dumped: dict[str, object] = spec.model_dump(mode="json")["parameters"]
    return dumped | {f"run.{key}": value for key, value in of_run.items()}


def _tested(spec: RunSpec, test: str, splits: list[dict[str, str]], measured: Numbers) -> Tested:
    cases = [row for row in splits if (row["role"], row["dataset"]) == ("test", test)]
    used = {label(spec.protocol.train), test}
    options = {label(name): given for name, given in spec.datasets.items() if label(name) in used and given}
    healthy = sum(row["healthy"] == "True" for row in cases)
    return Tested(
        test_ids=ids_hash(f"{row['case_id']} {row['content']}" for row in cases),
        fit_ids=_fit_ids(spec, test, splits),
        options=json.dumps(options, sort_keys=True),
        lesion=len(cases) - healthy,
        healthy=healthy,
        numbers=measured.numbers,
        cases=measured.cases,
        draws=measured.draws,
        groups=_groups(cases),
        subjects={row["case_id"]: row.get("subject_id") or row["case_id"] for row in cases},
    )


def _fit_ids(spec: RunSpec, test: str, splits: list[dict[str, str]]) -> str:
    """The cases that made models and thresholds, and their roles.

    The folds of one plan share their train and val cases but for the roles: which is val is left out, and that there
    are folds is said.
    """
    folds = spec.fold is not None
    roles = {"train": "fold", "val": "fold"} if folds else {"train": "train", "val": "val"}
    made = [row for row in splits if row["role"] in roles or _tunes(row, test)]
    return ids_hash(
        f"{roles.get(row['role'], row['role'])}/{row['case_id']} {row['content']}" for row in made
    )


def _groups(cases: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    """Ids of test cases by group: "all" with a lesion, each lesion kind, "healthy".

    Strata ("site=HH", "load=5-20ml") are not among them: not all can be told from splits.csv, so none has an interval.
    """
    groups: dict[str, set[str]] = {"all": set()}
    for row in cases:
        names = ["healthy"] if row["healthy"] == "True" else ["all", row["lesion_kind"] or "all"]
        for name in names:
            groups.setdefault(name, set()).add(row["case_id"])
    return {name: frozenset(ids) for name, ids in groups.items()}


def _tunes(row: Mapping[str, str], test: str) -> bool:
    return (row["role"], row["dataset"]) == ("tune", test)


def _numbers(run: RunDir) -> dict[str, Numbers]:
    """By dataset all that was measured. Raises ValueError for a number that is not finite."""
    found: dict[str, Numbers] = {}
    for row in run.table("metrics.csv"):
        found.setdefault(row["dataset"], Numbers()).numbers[row["group"], row["metric"]] = _number(row)
    for row in run.table("cases.csv") if (run.path / "cases.csv").is_file() else ():
        by_case = found.setdefault(row["dataset"], Numbers()).cases
        by_case.setdefault(row["metric"], {})[row["case_id"]] = _finite(row)
    for (dataset, group, metric), draws in run.draws().items():
        found.setdefault(dataset, Numbers()).draws[group, metric] = draws
    return found


def _number(row: Mapping[str, str]) -> Number:
    """A line of metrics.csv; runs from before do not say what their metrics are, but for an oracle's rule."""
    return Number(
        _finite(row),
        int(row["n"]),
        int(row["undefined"]),
        row["reason"],
        oracle=ORACLE in row["metric"] or row.get("oracle") == "True",
        lower=row.get("higher_is_better") == "False",
    )


def _finite(row: Mapping[str, str]) -> float | None:
    value = float(row["value"]) if row["value"] else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{row['metric']} is {value}")
    return value
