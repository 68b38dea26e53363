"""Run directories -> what the leaderboard is made of. A run that cannot be trusted is refused, by name."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from uad_bench.board.summary import Name, Number, RunSummary, Tested
from uad_bench.config import RunSpec
from uad_bench.data.splits import ids_hash
from uad_bench.errors import IntegrityError, UadError
from uad_bench.plugins import label
from uad_bench.store import RunDir


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
    spec, status, facts = run.spec(), run.status(), run.environment().get("method", {})
    state, protocol = str(status["state"]), spec.protocol
    if state == "complete":
        run.verify()
    numbers = _numbers(run) if state == "complete" else {}
    splits = run.table("splits.csv")
    return RunSummary(
        name=run.name, state=state, method=spec.method, settings=_settings(spec), seed=spec.seed,
        protocol=protocol.name, fingerprint=protocol.fingerprint,
        pinned=protocol.pinned, primary=protocol.primary,
        train=label(protocol.train),
        tested={test: _tested(spec, test, splits, numbers.get(test, {})) for test in map(label, spec.test)},
        deterministic=bool(facts.get("deterministic")), null=bool(facts.get("null")),
        error=str(status.get("error", "")), marks=_marks(run, spec),
    )  # fmt: skip


def _marks(run: RunDir, spec: RunSpec) -> tuple[str, ...]:
    """What a run carries for good: a published split, and the leaks that it was allowed."""
    published = [f"roles from a published split, {spec.splits}"] if spec.splits else []
    found = json.loads((run.path / "audit.json").read_text()) if spec.allow_leak else []
    leaks = [f"leak {one['rule']}: {one['what']}" for one in found if one["severity"] == "error"]
    return (*published, *leaks)


def _settings(spec: RunSpec) -> dict[str, object]:
    """Whatever of a specification moves a number within one protocol, but for the seed."""
    of_run = spec.model_dump(mode="json", include={"target", "precision", "time_budget_s"})
    dumped: dict[str, object] = spec.model_dump(mode="json")["parameters"]
    return dumped | {f"run.{key}": value for key, value in of_run.items()}


def _tested(spec: RunSpec, test: str, splits: list[dict[str, str]], numbers: Mapping[Name, Number]) -> Tested:
    cases = [row for row in splits if (row["role"], row["dataset"]) == ("test", test)]
    made = [row for row in splits if row["role"] in {"train", "val"} or _tunes(row, test)]
    used = {label(spec.protocol.train), test}
    options = {label(name): given for name, given in spec.datasets.items() if label(name) in used and given}
    healthy = sum(row["healthy"] == "True" for row in cases)
    return Tested(
        test_ids=ids_hash(f"{row['case_id']} {row['content']}" for row in cases),
        fit_ids=ids_hash(f"{row['role']}/{row['case_id']} {row['content']}" for row in made),
        options=json.dumps(options, sort_keys=True),
        lesion=len(cases) - healthy,
        healthy=healthy,
        numbers=numbers,
    )


def _tunes(row: Mapping[str, str], test: str) -> bool:
    return (row["role"], row["dataset"]) == ("tune", test)


def _numbers(run: RunDir) -> dict[str, dict[Name, Number]]:
    """By dataset, then by group and metric. Raises ValueError for a number that is not finite."""
    found: dict[str, dict[Name, Number]] = {}
    for row in run.table("metrics.csv"):
        value = float(row["value"]) if row["value"] else None
        if value is not None and not math.isfinite(value):
            raise ValueError(f"metrics.csv: {row['metric']} is {value}")
        number = Number(value, int(row["n"]), int(row["undefined"]), row["reason"])
        found.setdefault(row["dataset"], {})[row["group"], row["metric"]] = number
    return found
