"""Roles of the cases of a run: by the shares and folds of the protocol, or by a published split table."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uad_bench import plugins
from uad_bench.config import Protocol, RunSpec
from uad_bench.data import audit
from uad_bench.data.splits import assign
from uad_bench.errors import UsageError
from uad_bench.support.text import first_names
from uad_bench.types import Case

if TYPE_CHECKING:
    from uad_bench.data.published_splits import RoleTable

log = logging.getLogger(__name__)

#: A case and its role: train, val, tune or test.
Assigned = tuple[Case, str]


@dataclass(frozen=True)
class Plan:
    """How roles are given where that is not by the protocol's shares alone.

    fold: which of the protocol's folds is val; table: a published split table, with the name of its `source`
    where it holds several; allow_leak: run although the audit finds a leak, and mark the result permanently.
    """

    fold: int | None = None
    table: "RoleTable | None" = None
    source: str = ""
    allow_leak: bool = False

    @classmethod
    def of(cls, spec: RunSpec, table: "RoleTable | None" = None) -> "Plan":
        """The plan of a run; `table` is the split table that its `splits` names."""
        _, _, source = spec.splits.partition("=")[0].partition(":")
        return cls(spec.fold, table, source, spec.allow_leak)


def assign_roles(protocol: Protocol, plan: Plan, dataset: str, cases: Sequence[Case]) -> list[Assigned]:
    """Each case that has a role, with this role. Only the training set of the protocol has the roles train and val.

    Raises UsageError for a fold that the protocol does not have and for a table without this dataset.
    """
    given = _published(plan, dataset, cases) if plan.table else _hashed(protocol, plan, dataset, cases)
    trains = dataset == protocol.train
    return [(case, role) for case, role in given if trains or role in {"tune", "test"}]


def _hashed(protocol: Protocol, plan: Plan, dataset: str, cases: Sequence[Case]) -> Iterator[Assigned]:
    splits = protocol.splits
    if plan.fold is not None and not plan.fold < splits.folds:
        have = f"has folds 0 to {splits.folds - 1}" if splits.folds else "has no folds"
        hint = "add --set protocol.splits.folds=5 for five folds"
        raise UsageError(f"--fold {plan.fold}: protocol {protocol.name!r} {have}", hint=hint)
    healthy = [case for case in cases if case.healthy]
    lesion = [case for case in cases if not case.healthy]
    if dataset == protocol.train:
        shares = {str(role): share for role, share in splits.healthy.items()}
        roles = assign(healthy, shares, splits.salt, splits.folds, plan.fold)
    else:
        roles = {case.case_id: "test" for case in healthy}
    tune = splits.tune.get(dataset, 0.0)
    roles |= assign(lesion, {"tune": tune, "test": 1 - tune}, splits.salt)
    return ((case, roles[case.case_id]) for case in cases)


def _published(plan: Plan, dataset: str, cases: Sequence[Case]) -> Iterator[Assigned]:
    """The cases of the split table that were found, each role once: published tables repeat rows."""
    assert plan.table is not None
    known = {case.case_id: case for case in cases}
    rows = plan.table.rows(plugins.label(dataset), plan.fold, plan.source)
    wanted = list(dict.fromkeys((case_id, role) for case_id, role, _ in rows))
    absent = {case_id for case_id, _ in wanted if case_id not in known}
    if others := unlisted(plan, dataset, cases):
        log.info(
            f"{dataset}: {len(others)} of {len(cases)} cases are not in the split table and are left out: "
            f"{first_names(others)}"
        )
    if len(wanted) < len(rows):
        log.info(
            f"{dataset}: {len(rows) - len(wanted)} rows of the split table are repeated; each counts once"
        )
    if absent:
        log.warning(
            f"{dataset}: {len(absent)} of {len({case_id for case_id, _ in wanted})} cases of the split table have no "
            f"usable files and are left out: {first_names(sorted(absent))}"
        )
    return ((known[case_id], role) for case_id, role in wanted if case_id in known)


def unlisted(plan: Plan, dataset: str, cases: Sequence[Case]) -> list[str]:
    """The ids of the cases that a published table gives no role; none without a table."""
    if plan.table is None:
        return []
    rows = plan.table.rows(plugins.label(dataset), plan.fold, plan.source)
    listed = {case_id for case_id, _, _ in rows}
    return sorted(case.case_id for case in cases if case.case_id not in listed)


def absent_rows(plan: Plan, dataset: str, cases: Sequence[Case]) -> list[audit.AuditedCase]:
    """The rows of a published table whose cases were not found, for the audit: they show leaks of the table too."""
    if plan.table is None:
        return []
    here, label = {case.case_id for case in cases}, plugins.label(dataset)
    subjects = plan.table.subjects(label)
    rows = plan.table.rows(label, plan.fold, plan.source)
    return [
        audit.AuditedCase(label, name, subjects[name], role) for name, role, _ in rows if name not in here
    ]
