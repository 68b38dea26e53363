"""The cases of a finished run, found again on disk and checked to hold the voxels that the run was made on."""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.cohort.discovery import Sources, find_cases
from uad_bench.config import RunSpec
from uad_bench.errors import DataError, IntegrityError, UadError, unknown_name
from uad_bench.prepare.chain import parse_steps
from uad_bench.prepare.prepare_cases import prepare_cases
from uad_bench.results.run_directory import RunDir
from uad_bench.types import Case

log = logging.getLogger(__name__)

Row = Mapping[str, str]


def available(
    run: RunDir, rows: Sequence[Row], sources: Sources
) -> tuple[list[tuple[Row, Member]], list[UadError]]:
    """The prepared cases of some rows of splits.csv with their rows, and an error for each other case.

    That is a case that is missing, cannot be prepared, or holds other voxels than then (UB306). Datasets whose folder
    the user does not name are looked for where the run found them.
    """
    spec, sources = run.spec(), sources_of(run, sources)
    known = _on_disk(spec, {row["dataset"] for row in rows}, sources)
    cases = {_key(row): known[_key(row)] for row in rows if _key(row) in known}
    how = sources.preparation(spec.protocol, steps_of(run, spec))
    done, failures = prepare_cases(list(cases.values()), how)
    ready = {(one.case.dataset, one.case.case_id): one for one in done}
    failed = {(case.dataset, case.case_id): error for case, error in failures}
    found: list[tuple[Row, Member]] = []
    errors: list[UadError] = []
    for row in rows:
        one = ready.get(_key(row))
        if one is not None and one.content == row["content"]:
            found.append((row, Member(one, row["role"])))
        else:
            errors.append(failed.get(_key(row)) or _other(row, run, missing=one is None))
    return found, errors


def sources_of(run: RunDir, sources: Sources) -> Sources:
    """The sources of a run: those of the user, else the folders that the run recorded. Raises IntegrityError."""
    try:
        roots = {str(name): str(root) for name, root in dict(run.environment().get("roots") or {}).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        hint = "give the folders with --data"
        raise IntegrityError("no readable env.json", where=run.name, hint=hint) from error
    return sources.with_recorded(roots, run.name)


def available_members(
    run: RunDir, rows: Sequence[Row], sources: Sources
) -> tuple[list[Member], list[UadError]]:
    """As `available`, each error logged. Raises the first one where no case is left."""
    found, errors = available(run, rows, sources)
    if errors and not found:
        raise errors[0]
    for error in errors:
        log.warning("left out: %s", error)
    return [member for _, member in found], errors


def _key(row: Row) -> tuple[str, str]:
    return row["dataset"], row["case_id"]


def _other(row: Row, run: RunDir, *, missing: bool) -> DataError:
    what = "is not in the data" if missing else "holds other voxels than the run was made on"
    where, hint = f"{row['case_id']}, {run.name}", "give the same data with --data"
    return DataError(f"the case {what}", where=where, hint=hint, code="UB306")


def rows_of_tests(run: RunDir, wanted: Collection[str], dataset: str = "") -> list[Row]:
    """The rows of splits.csv of a run's test cases: all of a dataset (default: its first), or those wanted.

    wanted: case ids, or dataset/case_id. Raises UsageError for a dataset or case that the run did not test on.
    """
    tests = {plugins.label(name): name for name in run.spec().test}
    label = plugins.label(dataset) if dataset else next(iter(tests))
    if label not in tests:
        raise unknown_name(f"test set of {run.name}", dataset, tests)
    table: list[Row] = [*run.table("splits.csv")]
    rows = [row for row in table if (row["role"], row["dataset"]) == ("test", label)]
    known = {name: row for row in rows for name in (row["case_id"], f"{label}/{row['case_id']}")}
    for name in wanted:
        if name not in known:
            raise unknown_name(f"test case of {label}", name, [row["case_id"] for row in rows])
    return list({id(known[name]): known[name] for name in wanted}.values()) if wanted else rows


def steps_of(run: RunDir, spec: RunSpec) -> list[Mapping[str, Any]]:
    """The preparation steps of a run, with the parameters that were learnt from its training scans."""
    path = run.path / "fitted.json"
    learnt = iter(json.loads(path.read_text()) if path.is_file() else [])
    steps = zip(spec.protocol.steps, parse_steps(spec.protocol.steps), strict=True)
    return [next(learnt)["parameters"] if step.needs_fit else given for given, step in steps]


def _on_disk(spec: RunSpec, datasets: set[str], sources: Sources) -> dict[tuple[str, str], Case]:
    """Every case of some datasets of a run, by the dataset's label and the case id."""
    known: dict[tuple[str, str], Case] = {}
    for name in dict.fromkeys([*spec.test, spec.protocol.train]):
        label = plugins.label(name)
        if label in datasets:
            cases, _ = find_cases(name, spec.datasets.get(name, {}), sources)
            known |= {(label, case.case_id): case for case in cases}
    return known
