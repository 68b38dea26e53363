"""Who takes part in a run: cases found on disk, given roles, audited, prepared, ready to be asked for."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.discovery import Sources, find, raise_together
from uad_bench.cohort.roles import Given, Plan, few, give_roles, only_named
from uad_bench.config import Protocol, digest
from uad_bench.data import audit
from uad_bench.errors import DataError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.fit_steps import Fitted, fit_steps
from uad_bench.prepare.parallel import prepare_all
from uad_bench.support.progress import Ticker
from uad_bench.types import Case, Scan

log = logging.getLogger(__name__)

Left = tuple[str, str, str]


@dataclass(frozen=True)
class Member:
    """A prepared case and its role in the run: train, val, tune or test."""

    prepared: PreparedCase
    role: str

    @property
    def case(self) -> Case:
        """What is known of it on disk."""
        return self.prepared.case


class Scans(Sequence[Scan]):
    """The scans of some members, each mapped from disk when asked for. No lesion mask, no path."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> Scans
        if isinstance(index, slice):
            return Scans(self._members[index])
        return self._members[index].prepared.scan()


@dataclass(frozen=True)
class Cohort:
    """All members of a run.

    left_out: (dataset, case id, reason) of every case that was passed over; findings: what the audit says of
    who is here; fitted: what preparation steps learnt, and from whom.
    """

    members: tuple[Member, ...]
    left_out: tuple[Left, ...] = ()
    findings: tuple[audit.Finding, ...] = ()
    fitted: tuple[Fitted, ...] = ()

    def of(self, role: str, dataset: str | None = None) -> list[Member]:
        """The members with a role, of one dataset or of all, by case id."""
        wanted = plugins.label(dataset) if dataset else None
        return [m for m in self.members if m.role == role and wanted in (None, m.case.dataset)]

    @property
    def digest(self) -> str:
        """12 hex digits of who is here, in which role, with which voxels."""
        return digest([_identity(member) for member in self.members])


def _identity(member: Member) -> list[Any]:
    """All of a member that a number may depend on."""
    case, ready = member.case, member.prepared
    facts = [case.healthy, case.lesion_kind, int(ready.record["lost"])]
    return [case.dataset, case.case_id, member.role, ready.content, *facts]


def gather(
    protocol: Protocol,
    test: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
    sources: Sources,
    plan: Plan | None = None,
) -> Cohort:
    """Discover, split, audit and prepare everything a run needs.

    Raises UsageError for a dataset without a modality of the protocol; DataError for cases that cannot be
    prepared (unless `sources` says to skip them), for roles that stay empty, and for leaks (UB340, unless the
    plan allows them).
    """
    plan, left = plan or Plan(), list[Left]()
    everyone: list[audit.Seen] = []
    wanted: list[Given] = []
    for dataset in dict.fromkeys([*test, protocol.train]):  # what the user named first: it may not be there
        cases = usable(dataset, options.get(dataset, {}), protocol, sources, left)
        given = give_roles(protocol, plan, dataset, cases)
        everyone += [_seen(case, role) for case, role in given] + only_named(plan, dataset, cases)
        wanted += [(case, role) for case, role in given if dataset in test or role in {"train", "val"}]
    _check_masks(wanted)
    # All roles count, those of a test set that this run leaves out too: its numbers will stand beside others.
    found = audit.audit_roles(everyone)
    _stop_leaks(found, plan)
    roles = {(case.dataset, role) for case, role in wanted}
    _check_roles(roles, protocol, test)
    if (plugins.label(protocol.train), "val") not in roles:
        log.info(
            f"nobody of {protocol.train} is val: no healthy thresholds, and no method that chooses its weights by val"
        )
    members, fitted = _prepared(protocol, wanted, sources, left)
    _check_roles({(m.case.dataset, m.role) for m in members}, protocol, test)
    _check_healthy(members)
    seen = [_seen(m.case, m.role, m.prepared) for m in members]
    objects = [audit.FittedObject(one.step, "landmarks", one.saw) for one in fitted]
    late = [*audit.audit_voxels(seen), *audit.audit_fitted(objects, seen)]
    _stop_leaks(late, plan)
    return Cohort(tuple(members), tuple(left), (*found, *late), tuple(fitted))


def usable(
    dataset: str, options: Mapping[str, Any], protocol: Protocol, sources: Sources, left: list[Left]
) -> list[Case]:
    """The cases of a dataset that have every modality of the protocol; the others join `left`, or are an error."""
    cases, faults = find(dataset, options, sources)
    raise_together(faults, "cannot be paired", skip=sources.skip_broken)
    called = plugins.label(dataset)
    left += [(called, fault.where, str(fault)) for fault in faults]
    kept = [case for case in cases if set(protocol.modalities) <= set(case.images)]
    without = [case.case_id for case in cases if case not in kept]
    words = " and ".join(protocol.modalities)
    if not kept:
        what = f"no case of dataset {dataset!r} has {words}"
        raise DataError(what, hint="choose another protocol", code="UB304")
    if without and not sources.skip_missing:
        what = f"{len(without)} of {len(cases)} cases of {dataset} lack {words}: {few(without)}"
        hint = "add --skip-missing to go on without them; the result says so"
        raise DataError(what, where=dataset, hint=hint, code="UB332")
    if without:
        log.info(
            f"{dataset}: {len(without)} of {len(cases)} cases lack {words} and are left out: {few(without)}"
        )
    left += [(called, case_id, f"lacks {words}") for case_id in without]
    return kept


def _check_masks(wanted: Sequence[Given]) -> None:
    """Raise DataError where a case with lesions has no mask of them, now and not after hours of training."""
    bare = [case.case_id for case, _ in wanted if not case.healthy and case.lesion_mask is None]
    if bare:
        what, hint = f"{len(bare)} test cases have no lesion mask", "take them out of the dataset"
        raise DataError(what, where=few(bare), hint=hint, code="UB333")


def _seen(case: Case, role: str, ready: PreparedCase | None = None) -> audit.Seen:
    """A case as the audit sees it."""
    if ready is None:
        return audit.Seen(case.dataset, case.case_id, case.subject_id, role, case.healthy)
    voxels = "+".join(ready.record["sources"][name]["voxels"] for name in ready.record["modalities"])
    return audit.Seen(
        case.dataset, case.case_id, case.subject_id, role, case.healthy, voxels, ready.thumbnail()
    )


def _stop_leaks(findings: Sequence[audit.Finding], plan: Plan) -> None:
    """Raise DataError for the first leak, telling how many there are; only say so where the plan allows them."""
    leaks = audit.blocking(findings)
    if not leaks:
        return
    if plan.allow_leak:
        log.info(f"{len(leaks)} leaks are allowed; the result is marked for good: {leaks[0].what}")
        return
    more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
    hint = "`uad-bench audit` with the same options names them; --allow-leak goes on and marks the result for good"
    where = few(leaks[0].cases)
    raise DataError(f"leak {leaks[0].rule}: {leaks[0].what}{more}", where=where, hint=hint, code="UB340")


def _prepared(
    protocol: Protocol, wanted: Sequence[Given], sources: Sources, left: list[Left]
) -> tuple[list[Member], list[Fitted]]:
    """Every case prepared once, whatever its roles; steps that learn are fitted on the train role first."""
    cases = list({(case.dataset, case.case_id): case for case, _ in wanted}.values())
    train = [case for case, role in wanted if role == "train"]
    log.info(f"prepare {len(cases)} cases for protocol {protocol.name} (those that were before take no time)")

    def ready(some: Sequence[Case], steps: Sequence[Mapping[str, Any]], what: str) -> list[PreparedCase]:
        ticker = Ticker(what)
        done, failures = prepare_all(some, protocol.modalities, steps, sources.cache, sources.workers, ticker)
        for case, error in failures:
            log.info(f"cannot prepare {case.case_id}: {error}")
        # Left out once, however often it is tried.
        told = {(case.dataset, case.case_id, str(error)) for case, error in failures} - set(left)
        left.extend(sorted(told))
        raise_together([error for _, error in failures], "cannot be prepared", skip=sources.skip_broken)
        return done

    steps, fitted = fit_steps(
        protocol.steps, lambda before: ready(train, before, "prepare the training cases"), sources.cache
    )
    by_id = {(p.case.dataset, p.case.case_id): p for p in ready(cases, steps, "prepare")}
    keys = [((case.dataset, case.case_id), role) for case, role in wanted]
    return [Member(by_id[key], role) for key, role in keys if key in by_id], fitted


def _check_roles(roles: Collection[tuple[str, str]], protocol: Protocol, test: Sequence[str]) -> None:
    """Raise DataError where nobody (dataset, role) is there to train on, or to test on."""
    train = plugins.label(protocol.train)
    if (train, "train") not in roles:
        raise DataError(f"no healthy case of dataset {protocol.train!r} to train on", code="UB305")
    for dataset in test:
        if (plugins.label(dataset), "test") not in roles:
            raise DataError(f"no case of dataset {dataset!r} to test on", code="UB305")


def _check_healthy(members: Sequence[Member]) -> None:
    """Raise DataError where a case that is called healthy has lesions in its mask."""
    called = [m for m in members if m.case.healthy and m.case.lesion_mask is not None]
    ill = [m.case.case_id for m in called if m.prepared.truth().lesion_mask.any()]
    if ill:
        what, hint = "healthy cases whose lesion masks are not empty", "correct the dataset's table"
        raise DataError(what, where=few(ill), hint=hint, code="UB338")


def iter_rows(cohort: Cohort) -> Iterator[dict[str, Any]]:
    """The rows of splits.csv."""
    for member in cohort.members:
        case = member.case
        yield {
            "dataset": case.dataset,
            "case_id": case.case_id,
            "subject_id": case.subject_id,
            "role": member.role,
            "healthy": case.healthy,
            "lesion_kind": case.lesion_kind,
            "site": case.site,
            "scanner": case.scanner,
            "age": case.age,
            "sex": case.sex,
            "content": member.prepared.content,
        }
