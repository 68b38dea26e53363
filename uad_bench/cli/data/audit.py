"""`audit`: leaks in a split table, in data on disk, or in a finished run."""

import logging
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from uad_bench.cohort.roles import Plan
    from uad_bench.config import Overrides
    from uad_bench.config import Protocol as Pinned
    from uad_bench.data.audit.findings import Finding
    from uad_bench.data.published_splits import RoleTable
    from uad_bench.types import Case

log = logging.getLogger(__name__)


def audit(
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN", help="Folders of runs.")] = None,
    splits: options.Splits = "",
    fold: options.Fold = -1,
    protocol: options.Protocol = "",
    test: options.Test = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Search for leaks in finished runs, in a split table alone, or in data on disk with their roles.

    RUN audits finished runs; --splits without --data audits the table alone. Otherwise the cases on disk get the
    roles of the protocol, or those of --splits, in each fold unless --fold names one. The output has one line for
    each finding and one for each leak rule. Exit code 3 if a finding is an error; runs that are not complete are named
    and are not audited.
    """
    from uad_bench.errors import PartialFailure

    options.show_messages(quiet, verbose)
    said, table = options.table(splits)
    source = said.partition("=")[0].partition(":")[2]
    folds = [fold] if fold >= 0 else []
    left_out = 0
    if runs:
        findings, left_out = _of_runs(runs)
    elif table and not data:
        findings = _of_table(table, folds, source)
    else:
        findings = _of_data(
            _plans(table, folds, source), protocol, test, data, options.overrides(config, set_)
        )
    _print(findings)
    if left_out:
        raise PartialFailure(f"{left_out} runs are not audited", hint="see the lines above")


def _of_runs(folders: list[Path]) -> "tuple[list[Finding], int]":
    """The findings of the complete runs, and the number of runs that are not complete."""
    import json

    from uad_bench.data.audit.finished_runs import audit_finished_run
    from uad_bench.results.find_runs import complete_runs
    from uad_bench.results.readable import check_readable, readable

    findings: list[Finding] = []
    complete, left_out = complete_runs(folders)
    for run in complete:
        run.verify()
        check_readable(run)
        files = [run.path / name for name in ("fitted.json", "audit.json")]
        fitted, before = (json.loads(file.read_text()) if file.is_file() else [] for file in files)
        with readable(run):
            found = audit_finished_run(run.table("splits.csv"), run.table("thresholds.csv"), fitted, before)
        findings += _scoped(found, run.name)
    return findings, left_out


def _of_table(table: "RoleTable", folds: list[int], source: str) -> "list[Finding]":
    from uad_bench.data.audit import audit_roles
    from uad_bench.data.audit.findings import AuditedCase

    log.warning(
        "subjects are identified by case ids alone; with --data the dataset identifies them, with sessions"
    )
    findings: list[Finding] = []
    for dataset in table.datasets:
        subjects, sources = table.subjects(dataset), table.sources(dataset)
        chosen = (folds or table.folds(dataset)) if table.folds(dataset) else [None]
        for one, fold in product([source] if source else sources, chosen):
            rows = table.rows(dataset, fold, one)
            found = audit_roles([AuditedCase(dataset, name, subjects[name], role) for name, role, _ in rows])
            findings += _scoped(found, one if len(sources) > 1 else "", fold)
    return findings


def _plans(table: "RoleTable | None", folds: list[int], source: str) -> "list[Plan]":
    """A plan for each fold that is named; for all folds of a table where none is."""
    from uad_bench.cohort.roles import Plan

    if table and not folds:
        folds = sorted({fold for dataset in table.datasets for fold in table.folds(dataset)})
    return [Plan(fold, table, source) for fold in folds] or [Plan(None, table, source)]


def _of_data(
    plans: "list[Plan]", protocol: str, test: str, data: list[str], over: "Overrides"
) -> "list[Finding]":
    from uad_bench import plugins
    from uad_bench.cohort.roles import assign_roles
    from uad_bench.cohort.shared_people import shared_people
    from uad_bench.config import default_protocol, load_protocol
    from uad_bench.data.audit import audit_roles
    from uad_bench.data.audit.findings import AuditedCase

    pinned = load_protocol(protocol or default_protocol(), over.protocol)
    wanted, learning = options.names(test) or pinned.test, plugins.label(pinned.train)
    cases = {name: _cases(name, pinned, over, data) for name in dict.fromkeys([*wanted, pinned.train])}
    findings: list[Finding] = []
    for plan in plans:
        by_set = {name: assign_roles(pinned, plan, name, some) for name, some in cases.items()}
        given = [pair for some in by_set.values() for pair in some]
        people = {name: [case for case, _ in some] for name, some in by_set.items()}
        same, overlaps = shared_people(people, over.datasets)
        seen = [AuditedCase(c.dataset, c.case_id, c.subject_id, role, c.healthy) for c, role in given]
        findings += _scoped([*audit_roles(seen, same), *overlaps], "", plan.fold)
        if len(plans) == 1:
            _print_balance(
                [(case, role) for case, role in given if case.dataset == learning and case.healthy]
            )
    return findings


def _cases(dataset: str, protocol: "Pinned", over: "Overrides", data: list[str]) -> "list[Case]":
    """The cases of a dataset that a run under the protocol would take."""
    from uad_bench.cohort.discovery import find_cases

    cases, faults = find_cases(dataset, over.datasets.get(dataset, {}), options.sources(data, 1))
    usable = [case for case in cases if set(protocol.modalities) <= set(case.images)]
    passed = len(cases) - len(usable) + len(faults)
    if passed:
        log.warning(
            "%s: %d cases cannot take part and are not audited (uad-bench data check)", dataset, passed
        )
    return usable


def _print_balance(given: "list[tuple[Case, str]]") -> None:
    """Shares of the roles by site, age and sex of the healthy subjects."""
    from uad_bench.data.stratification import balance

    roles = {case.case_id: role for case, role in given}
    for stratum in balance([case for case, _ in given], roles):
        shares = ", ".join(f"{role} {share:.1%}" for role, share in stratum.shares.items())
        typer.echo(f"{stratum.kind:<5} {stratum.value:<10} {stratum.subjects:>5} subjects: {shares}")


def _scoped(findings: "Iterable[Finding]", place: str, fold: int | None = None) -> "Iterator[Finding]":
    """The findings with their place and fold; notes without the fold, so that each is printed once."""
    from dataclasses import replace

    for finding in findings:
        in_fold = fold is not None and finding.severity != "note"
        words = (place, f"fold {fold}" if in_fold else "", finding.what)
        yield replace(finding, what=": ".join(filter(None, words)))


def _cases_of(finding: "Finding") -> str:
    """All cases of an error, the first cases of a warning."""
    from uad_bench.support.text import first_names

    return ", ".join(finding.cases) if finding.severity == "error" else first_names(finding.cases)


def _print(findings: "list[Finding]") -> None:
    from uad_bench.data.audit import as_lines, blocking
    from uad_bench.errors import DataError

    for finding in findings:
        if finding.severity != "note":
            typer.echo(f"{finding.severity:<8} {finding.rule:<4} {finding.what}: {_cases_of(finding)}")
    for line in as_lines(findings):
        typer.echo(line)
    leaks = blocking(findings)
    if leaks:
        what = f"the audit found {len(leaks)} leak{'' if len(leaks) == 1 else 's'}"
        hint = "correct the splits; a run on them needs --allow-leak, which marks its result permanently"
        raise DataError(what, hint=hint, code="UB340")
