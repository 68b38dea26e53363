"""A run directory may come from elsewhere: what its files hold wrongly is one error, whatever command reads them."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from uad_bench.errors import IntegrityError
from uad_bench.results.run_directory import RunDir

#: What reading a damaged or forged file raises.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    RuntimeError,
    StopIteration,
    csv.Error,
)
ROLES = frozenset({"train", "val", "tune", "test"})
#: The fields of each entry of the JSON files that hold lists.
ENTRIES = {"fitted.json": ("step", "saw"), "audit.json": ("rule", "severity", "what", "cases")}


@contextmanager
def readable(run: RunDir) -> Iterator[None]:
    """Raise IntegrityError, with the name of the run, for whatever reading its files raises."""
    try:
        yield
    except UNREADABLE as error:
        what = f"not a readable {run.kind}: {type(error).__name__}: {error}"
        raise IntegrityError(what, where=run.name, hint=run.remedy) from error


def check_readable(run: RunDir) -> None:
    """Read the specification and the tables of a complete run. Raises IntegrityError where one is not as it is written
    here: commands that compute from a run call this first."""
    with readable(run):
        run.spec(), dict(run.environment())
        for row in run.table("splits.csv"):
            _check_role(row)
        for row in run.table("thresholds.csv"):
            (
                int(row["n_cases"]),
                float(row["value"] or 0),
                row["dataset"],
                row["rule"],
                row["ids_sha256"],
                row["oracle"],
            )
        for name, fields in ENTRIES.items():
            _check_entries(run, name, fields)


def _check_role(row: Mapping[str, str]) -> None:
    named = all(row[column] for column in ("dataset", "case_id", "content"))
    if not named or row["role"] not in ROLES or row["healthy"] not in {"True", "False"}:
        raise ValueError(f"splits.csv has a row that no run writes: {dict(row)!r:.200}")


def _check_entries(run: RunDir, name: str, fields: tuple[str, ...]) -> None:
    path = run.path / name
    found: Any = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    for entry in found:
        if not isinstance(entry, dict) or not set(fields) <= set(entry):
            raise ValueError(f"{name} has an entry that no run writes: {entry!r:.200}")
