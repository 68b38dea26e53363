"""`audit`: who is where he must not be, in a split table, in data on disk, or in a finished run."""

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
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Look for leaks: of finished runs, of a split table alone, or of data on disk with their roles.

    Without RUN, and without --splits or with --data, the cases on disk are given the protocol's roles, or those
    of --splits, in each of its folds unless --fold names one. A line tells each finding, then one each leak
    rule. Ends with exit code 3 where a finding is an error.
    """
    options.show_messages(quiet, verbose)
    said, table = options.table(splits)
    source = said.partition("=")[0].partition(":")[2]
    folds = [fold] if fold >= 0 else []
    if runs:
        findings = _of_runs(runs)
    elif table and not data:
        findings = _of_table(table, folds, source)
    else:
        findings = _of_data(_plans(table, folds, source), protocol, test, data, set_)
    _tell(findings)


def _of_runs(folders: list[Path]) -> "list[Finding]":
    import json

    from uad_bench.data.audit.finished_runs import audit_recorded
    from uad_bench.results.run_directory import find_runs

    findings: list[Finding] = []
    for run in find_runs(folders):
        if run.state != "complete":
            log.info(f"{run.name}: {run.state}, not audited")
            continue
        run.verify()
        files = [run.path / name for name in ("fitted.json", "audit.json")]
        fitted, before = (json.loads(file.read_text()) if file.is_file() else [] for file in files)
        told = audit_recorded(run.table("splits.csv"), run.table("thresholds.csv"), fitted, before)
        findings += _scoped(told, run.name)
    return findings


def _of_table(table: "RoleTable", folds: list[int], source: str) -> "list[Finding]":
    from uad_bench.data.audit import audit_roles
    from uad_bench.data.audit.findings import Seen

    log.info("subjects are told by case ids alone; --data asks the dataset itself, sessions included")
    findings: list[Finding] = []
    for dataset in table.datasets:
        subjects, sources = table.subjects(dataset), table.sources(dataset)
        asked = (folds or table.folds(dataset)) if table.folds(dataset) else [None]
        for one, fold in product([source] if source else sources, asked):
            rows = table.rows(dataset, fold, one)
            told = audit_roles([Seen(dataset, name, subjects[name], role) for name, role, _ in rows])
            findings += _scoped(told, one if len(sources) > 1 else "", fold)
    return findings


def _plans(table: "RoleTable | None", folds: list[int], source: str) -> "list[Plan]":
    """A plan for each fold that is asked for; for all of a table where none is."""
    from uad_bench.cohort.roles import Plan

    if table and not folds:
        folds = sorted({fold for dataset in table.datasets for fold in table.folds(dataset)})
    return [Plan(fold, table, source) for fold in folds] or [Plan(None, table, source)]


def _of_data(
    plans: "list[Plan]", protocol: str, test: str, data: list[str], set_: list[str]
) -> "list[Finding]":
    from uad_bench import plugins
    from uad_bench.cohort.roles import assign_roles
    from uad_bench.config import Overrides, default_protocol, load_protocol
    from uad_bench.data.audit import audit_roles
    from uad_bench.data.audit.findings import Seen
    from uad_bench.pipeline.settings import with_settings

    over = with_settings(Overrides(), options.settings(set_))
    pinned = load_protocol(protocol or default_protocol(), over.protocol)
    wanted, learning = options.names(test) or pinned.test, plugins.label(pinned.train)
    cases = {name: _cases(name, pinned, over, data) for name in dict.fromkeys([*wanted, pinned.train])}
    findings: list[Finding] = []
    for plan in plans:
        given = [pair for name, some in cases.items() for pair in assign_roles(pinned, plan, name, some)]
        seen = [Seen(c.dataset, c.case_id, c.subject_id, role, c.healthy) for c, role in given]
        findings += _scoped(audit_roles(seen), "", plan.fold)
        if len(plans) == 1:
            _tell_balance([(case, role) for case, role in given if case.dataset == learning and case.healthy])
    return findings


def _cases(dataset: str, protocol: "Pinned", over: "Overrides", data: list[str]) -> "list[Case]":
    """The cases of a dataset that a run under the protocol would take."""
    from uad_bench.cohort.discovery import find_cases

    cases, faults = find_cases(dataset, over.datasets.get(dataset, {}), options.sources(data, 1))
    usable = [case for case in cases if set(protocol.modalities) <= set(case.images)]
    passed = len(cases) - len(usable) + len(faults)
    if passed:
        log.info(f"{dataset}: {passed} cases cannot take part and are not audited (uad-bench data check)")
    return usable


def _tell_balance(given: "list[tuple[Case, str]]") -> None:
    """How the roles of the healthy subjects fall on sites, ages and sexes."""
    from uad_bench.data.stratification import balance

    roles = {case.case_id: role for case, role in given}
    for stratum in balance([case for case, _ in given], roles):
        shares = ", ".join(f"{role} {share:.1%}" for role, share in stratum.shares.items())
        typer.echo(f"{stratum.kind:<5} {stratum.value:<10} {stratum.subjects:>5} subjects: {shares}")


def _scoped(findings: "Iterable[Finding]", place: str, fold: int | None = None) -> "Iterator[Finding]":
    """The findings with the place they are of; notes without the fold, so that each is told once."""
    from dataclasses import replace

    for finding in findings:
        in_fold = fold is not None and finding.severity != "note"
        words = (place, f"fold {fold}" if in_fold else "", finding.what)
        yield replace(finding, what=": ".join(filter(None, words)))


def _cases_of(finding: "Finding") -> str:
    """All that leaked; of what is only odd, a few."""
    from uad_bench.support.text import first_names

    return ", ".join(finding.cases) if finding.severity == "error" else first_names(finding.cases)


def _tell(findings: "list[Finding]") -> None:
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
        hint = "mend the splits; a run on them needs --allow-leak, which marks its result for good"
        raise DataError(what, hint=hint, code="UB340")
