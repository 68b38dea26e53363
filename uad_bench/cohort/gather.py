"""From the datasets of a run to its cohort: cases are found, given roles, audited for leaks, and prepared."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, LeftOut, Member
from uad_bench.cohort.discovery import Sources, find_cases, raise_first
from uad_bench.cohort.roles import Assigned, Plan, absent_rows, assign_roles, unlisted
from uad_bench.cohort.shared_people import shared_people
from uad_bench.config import Protocol, RunSpec
from uad_bench.data import audit
from uad_bench.errors import DataError, UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.fit_steps import fit_steps
from uad_bench.prepare.prepare_cases import prepare_cases
from uad_bench.prepare.protocol_grid import other_grid
from uad_bench.support.text import first_names
from uad_bench.types import Case

log = logging.getLogger(__name__)


def gather(spec: RunSpec, sources: Sources, plan: Plan | None = None) -> Cohort:
    """Find, split, audit and prepare every case that a run needs.

    plan: who gets which role, by default the run's own. Raises UsageError for a dataset without a modality of the
    protocol; DataError for cases that cannot be prepared (unless `sources` skips them), for roles that stay
    empty, and for leaks (UB340, unless the plan allows them).
    """
    plan, protocol = plan or Plan.of(spec), spec.protocol
    everyone: list[audit.AuditedCase] = []
    wanted: list[Assigned] = []
    left_out: list[LeftOut] = []
    with_roles: dict[str, list[Case]] = {}
    for dataset in dict.fromkeys(
        [*spec.test, protocol.train]
    ):  # first what the user named: it may be missing
        cases, missing = usable_cases(dataset, spec.datasets.get(dataset, {}), protocol, sources)
        given = assign_roles(protocol, plan, dataset, cases)
        absent = absent_rows(plan, dataset, cases)
        left_out += missing + _unfound(absent, missing)
        left_out += [
            (plugins.label(dataset), one, "not in the split table") for one in unlisted(plan, dataset, cases)
        ]
        with_roles[dataset] = [case for case, _ in given]
        everyone += [_seen(case, role) for case, role in given] + absent
        wanted += [(case, role) for case, role in given if dataset in spec.test or role in {"train", "val"}]
    # All roles are audited, those of a test set that this run leaves out too: results of both may be compared.
    same, overlaps = shared_people(with_roles, spec.datasets)
    findings = [*audit.audit_roles(everyone, same), *overlaps]
    _check_assigned(wanted, spec, plan, findings)

    cases = list({(case.dataset, case.case_id): case for case, _ in wanted}.values())
    train = [case for case, role in wanted if role == "train"]
    log.info("prepare %d cases for protocol %s (cached cases take no time)", len(cases), protocol.name)
    steps, fitted = fit_steps(
        protocol.steps, lambda before: _training_cases(train, protocol, before, sources), sources.cache
    )
    prepared, failures = prepare_cases(cases, sources.preparation(protocol, steps))
    left_out += _left_out(failures, sources)
    members = _members(wanted, prepared)
    late = _check_prepared(members, spec, plan, fitted)
    return Cohort(tuple(members), tuple(left_out), (*findings, *late), tuple(fitted))


def _unfound(absent: Sequence[audit.AuditedCase], missing: Sequence[LeftOut]) -> list[LeftOut]:
    """Cases of a split table without files, as left out; those that are for another reason already are not repeated."""
    known = {(dataset, case_id) for dataset, case_id, _ in missing}
    keys = dict.fromkeys((one.dataset, one.case_id) for one in absent)
    return [(*key, "in the split table, not found") for key in keys if key not in known]


def usable_cases(
    dataset: str, options: Mapping[str, Any], protocol: Protocol, sources: Sources
) -> tuple[list[Case], list[LeftOut]]:
    """The cases of a dataset that have every modality of the protocol, and those that were left out.

    Raises DataError where there is none (UB304), and for cases that lack one unless `sources` skips them (UB332).
    """
    cases, faults = find_cases(dataset, options, sources)
    raise_first(faults, "cannot be paired", skip=sources.skip_broken)
    label, words = plugins.label(dataset), " and ".join(protocol.modalities)
    needed = set(protocol.modalities)
    kept = [case for case in cases if needed <= set(case.images)]
    without = [case.case_id for case in cases if not needed <= set(case.images)]
    if not kept:
        what = f"no case of dataset {dataset!r} has {words}"
        raise DataError(what, hint="choose another protocol", code="UB304")
    if without:
        what = f"{len(without)} of {len(cases)} cases of {dataset} lack {words}"
        if not sources.skip_missing:
            hint = "add --skip-missing to run without them; the result records it"
            raise DataError(f"{what}: {first_names(without)}", where=dataset, hint=hint, code="UB332")
        log.warning("%s and are left out: %s", what, first_names(without))
    left_out = [(label, fault.where, str(fault)) for fault in faults]
    return kept, left_out + [(label, case_id, f"lacks {words}") for case_id in without]


def _training_cases(
    train: Sequence[Case], protocol: Protocol, steps: Sequence[Mapping[str, Any]], sources: Sources
) -> list[PreparedCase]:
    """The training cases after `steps`, for a step that learns from them; the failed ones are left out later."""
    done, failures = prepare_cases(train, sources.preparation(protocol, steps), "prepare the training cases")
    if not sources.skip_broken:
        _left_out(failures, sources)
    return done


def _left_out(failures: Sequence[tuple[Case, UadError]], sources: Sources) -> list[LeftOut]:
    """Cases that cannot be prepared, as left out. Raises the first error unless `sources` skips broken cases."""
    for case, error in failures:
        log.warning("cannot prepare %s: %s", case.case_id, error)
    raise_first([error for _, error in failures], "cannot be prepared", skip=sources.skip_broken)
    return sorted((case.dataset, case.case_id, str(error)) for case, error in failures)


def _members(wanted: Iterable[Assigned], prepared: Sequence[PreparedCase]) -> list[Member]:
    """Each prepared case with each of its roles."""
    by_id = {(one.case.dataset, one.case.case_id): one for one in prepared}
    keys = [((case.dataset, case.case_id), role) for case, role in wanted]
    return [Member(by_id[key], role) for key, role in keys if key in by_id]


def _check_assigned(
    wanted: Sequence[Assigned], spec: RunSpec, plan: Plan, findings: Sequence[audit.Finding]
) -> None:
    """Checks before hours of preparation: lesion masks, leaks, empty roles."""
    bare = [case.case_id for case, _ in wanted if not case.healthy and case.lesion_mask is None]
    if bare:
        what, hint = f"{len(bare)} test cases have no lesion mask", "take them out of the dataset"
        raise DataError(what, where=first_names(bare), hint=hint, code="UB333")
    _stop_leaks(findings, plan)
    roles = {(case.dataset, role) for case, role in wanted}
    _check_roles(roles, spec)
    if (plugins.label(spec.protocol.train), "val") not in roles:
        log.warning(
            "no case of %s has the role val: no healthy thresholds, no choice of weights by validation",
            spec.protocol.train,
        )


def _check_prepared(
    members: Sequence[Member], spec: RunSpec, plan: Plan, fitted: Sequence[Any]
) -> list[audit.Finding]:
    """Checks of prepared cases: empty roles, grid, lesions of healthy cases, equal scans, landmarks of test cases."""
    _check_roles({(m.case.dataset, m.role) for m in members}, spec)
    _check_grids(members, spec.protocol)
    _check_healthy(members)
    seen = [_seen(m.case, m.role, m.prepared) for m in members]
    objects = [audit.FittedObject(one.step, "landmarks", one.saw) for one in fitted]
    late = [*audit.audit_voxels(seen), *audit.audit_fitted(objects, seen)]
    _stop_leaks(late, plan)
    return late


def _seen(case: Case, role: str, ready: PreparedCase | None = None) -> audit.AuditedCase:
    """A case as the audit sees it."""
    if ready is None:
        return audit.AuditedCase(case.dataset, case.case_id, case.subject_id, role, case.healthy)
    voxels = frozenset(ready.record["sources"][name]["voxels"] for name in ready.record["modalities"])
    return audit.AuditedCase(
        case.dataset, case.case_id, case.subject_id, role, case.healthy, voxels, ready.thumbnail()
    )


def _stop_leaks(findings: Sequence[audit.Finding], plan: Plan) -> None:
    """Raise DataError for the first leak, with their number (UB340); log a warning where the plan allows leaks.

    Findings that are no leaks, and deserve a warning, are logged as well.
    """
    _log_warnings(findings)
    leaks = audit.blocking(findings)
    if not leaks:
        return
    if plan.allow_leak:
        log.warning("%d leaks are allowed; the result is marked permanently: %s", len(leaks), leaks[0].what)
        return
    more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
    how = "the message names them" if leaks[0].rule in {"L3", "L4"} else "`uad-bench audit` lists them"
    hint = f"{how}; correct the data or the splits, or add --allow-leak, which marks the result permanently"
    where = first_names(leaks[0].cases)
    raise DataError(f"leak {leaks[0].rule}: {leaks[0].what}{more}", where=where, hint=hint, code="UB340")


def _log_warnings(findings: Sequence[audit.Finding]) -> None:
    """Log what the audit found beside leaks, one line a rule: equal scans in one role distort means, for instance."""
    warnings = [one for one in findings if one.severity == "warning"]
    for rule, first in {one.rule: one for one in reversed(warnings)}.items():
        count = sum(one.rule == rule for one in warnings)
        more = f" (and {count - 1} more, see audit.json)" if count > 1 else ""
        log.warning("audit, rule %s: %s%s: %s", rule, first.what, more, first_names(first.cases))


def _check_roles(roles: Collection[tuple[str, str]], spec: RunSpec) -> None:
    """Raise DataError where no case (dataset, role) is left to train on, or to test on (UB305)."""
    train = spec.protocol.train
    if (plugins.label(train), "train") not in roles:
        raise DataError(f"no healthy case of dataset {train!r} to train on", code="UB305")
    for dataset in spec.test:
        if (plugins.label(dataset), "test") not in roles:
            raise DataError(f"no case of dataset {dataset!r} to test on", code="UB305")


def _check_grids(members: Sequence[Member], protocol: Protocol) -> None:
    """Raise DataError where the steps end on another grid than the protocol has: distances would be wrong (UB328)."""
    for one in members:
        if other := other_grid(one.prepared.shape, one.prepared.spacing, protocol.grid):
            what = f"the preparation ends on another grid than the protocol {protocol.name}: {other}"
            hint = "correct its key `grid`, or add the step 'resample'"
            raise DataError(what, where=one.case.case_id, hint=hint, code="UB328")


def _check_healthy(members: Sequence[Member]) -> None:
    """Raise DataError where the lesion mask of a case that is declared healthy is not empty (UB338)."""
    declared = [m for m in members if m.case.healthy and m.case.lesion_mask is not None]
    wrong = [m.case.case_id for m in declared if m.prepared.truth().lesion_mask.any()]
    if wrong:
        what, hint = "healthy cases whose lesion masks are not empty", "correct the dataset's table"
        raise DataError(what, where=first_names(wrong), hint=hint, code="UB338")
