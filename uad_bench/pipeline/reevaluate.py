"""A finished run measured again from its stored maps, under its own protocol or a changed one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from uad_bench.cohort.cohort import Cohort
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.cohort.roles import Plan
from uad_bench.config import Protocol, RunSpec, merged, validated
from uad_bench.data.published_splits import RoleTable, Row
from uad_bench.errors import DataError, UsageError
from uad_bench.pipeline.protocol_checks import check_protocol
from uad_bench.pipeline.replace_results import replace_results
from uad_bench.results.run_cases import sources_of
from uad_bench.results.run_directory import RunDir, run_dir
from uad_bench.support.atomic_files import cannot_write
from uad_bench.support.environment import device_for_arrays
from uad_bench.support.exchange import restore

#: What may change without scoring again: everything that comes after the map.
AFTER_THE_MAP = {"postprocess", "thresholds", "metrics", "primary", "name", "summary"}


def reevaluate(
    directory: RunDir,
    settings: Sequence[tuple[Sequence[str], Any]],
    sources: Sources,
    device: str = "cpu",
) -> RunDir:
    """Compute the results of a run again; a changed protocol makes a new run that shares the maps.

    device: where steps that can use a GPU are computed, "auto" for a GPU where there is one.

    The new results are written next to the old ones and swapped in when whole (`replace_results`). A run whose identity
    does not change is replaced in its own folder, wherever that is and whatever its name. A new run goes to
    OUT/PROTOCOL/METHOD/RUN of the same OUT; where the run was moved out of such folders, to PROTOCOL-RUN beside it.

    Raises UsageError for a change that would need new maps and where the folder of a new run is taken, DataError where
    the cases are not those of the run, IntegrityError where the run was edited.
    """
    directory.verify(maps=True)
    if directory.spec().keep_maps == "none":
        raise DataError(
            "the run kept no maps", where=directory.name, hint="run it again with --keep-maps all"
        )
    spec = changed(directory.spec(), settings)
    check_protocol(spec.protocol)
    # The roles are those of the run, wherever they came from; leaks were reported when it was made.
    plan = Plan(table=_own_roles(directory), allow_leak=True)
    here = replace(sources_of(directory, sources), skip_missing=True, skip_broken=True)
    cohort = gather(spec, here, plan)
    _same_cases(directory, cohort)
    target = _target(directory, spec, cohort.digest)
    with target.locked():
        replace_results(directory, target, spec, cohort, device_for_arrays(device), sources.workers)
    return target


def _target(directory: RunDir, spec: RunSpec, cohort: str) -> RunDir:
    """Where the results go, see `reevaluate`; the folder is there."""
    path, before = directory.path.resolve(), directory.spec()
    if _identity(before, cohort) == _identity(spec, cohort):
        restore(path)  # where a process was killed while it replaced the results
        return RunDir(path)
    usual = before.protocol.name, before.method.replace(":", "-")
    if path.parts[-3:-1] == usual and re.fullmatch(rf"seed{before.seed}-[0-9a-f]{{8}}", path.name):
        return run_dir(path.parents[2], spec, cohort)
    beside = RunDir(path.parent / "-".join(_identity(spec, cohort)))
    restore(beside.path)
    taken = beside.path.exists() and (beside.path.is_file() or any(beside.path.iterdir()))
    if taken and (beside.path == path or _identity(beside.spec(), cohort) != _identity(spec, cohort)):
        hint = "move the run into a folder of its own"
        raise UsageError("the folder of the new run is taken", where=str(beside.path), hint=hint)
    try:
        beside.path.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(error, beside.path) from error
    return beside


def _identity(spec: RunSpec, cohort: str) -> tuple[str, str]:
    return spec.protocol.name, spec.run_id(cohort)


def _own_roles(directory: RunDir) -> RoleTable:
    """The roles that the run was made with, as a split table."""
    rows = enumerate(directory.table("splits.csv"), start=2)
    return RoleTable(
        tuple(Row(r["dataset"].lower(), "", None, r["role"], r["case_id"], "splits.csv", n) for n, r in rows)
    )


def changed(spec: RunSpec, settings: Sequence[tuple[Sequence[str], Any]]) -> RunSpec:
    """`spec` with `protocol.KEY=VALUE` settings laid on its protocol."""
    values = spec.protocol.model_dump(mode="json")
    for path, value in settings:
        if len(path) < 2 or path[0] != "protocol" or path[1] not in AFTER_THE_MAP:
            hint = f"stored maps allow changes of {', '.join(sorted(AFTER_THE_MAP))}"
            raise UsageError(f"--set {'.'.join(path)} needs a new run", hint=hint)
        nested: Any = value
        for key in reversed(list(path)[1:]):
            nested = {key: nested}
        values = merged(values, nested)
    return spec.model_copy(update={"protocol": validated(Protocol, values, "protocol")})


def _same_cases(directory: RunDir, cohort: Cohort) -> None:
    then = {(r["dataset"], r["case_id"], r["role"], r["content"]) for r in directory.table("splits.csv")}
    now = {(m.case.dataset, m.case.case_id, m.role, m.prepared.content) for m in cohort.members}
    if then != now:
        odd = sorted({f"{case_id} ({role})" for _, case_id, role, _ in then ^ now})
        raise DataError(
            f"the data holds other cases, roles or voxels than the run was made on: {', '.join(odd[:5])}",
            where=directory.name,
            hint="give the same data with --data",
            code="UB306",
        )
