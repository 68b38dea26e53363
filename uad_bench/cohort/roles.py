"""Who is for what in a run: by the protocol's shares and folds, or by a published table that the user has."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uad_bench import plugins
from uad_bench.config import Protocol, RunSpec
from uad_bench.data import audit
from uad_bench.data.splits import assign
from uad_bench.errors import UsageError
from uad_bench.types import Case

if TYPE_CHECKING:
    from uad_bench.data.published_splits import RoleTable

log = logging.getLogger(__name__)

Given = tuple[Case, str]


@dataclass(frozen=True)
class Plan:
    """What a run asks for beyond its protocol's shares.

    fold: which of the protocol's folds is val; table: roles that somebody published, of its `source` where it
    holds several; allow_leak: go on where the audit finds a leak, and mark the result for good.
    """

    fold: int | None = None
    table: "RoleTable | None" = None
    source: str = ""
    allow_leak: bool = False

    @classmethod
    def of(cls, spec: RunSpec, table: "RoleTable | None" = None) -> "Plan":
        """The plan of a run; `table` holds the roles that its `splits` names."""
        _, _, source = spec.splits.partition("=")[0].partition(":")
        return cls(spec.fold, table, source, spec.allow_leak)


def give_roles(protocol: Protocol, plan: Plan, dataset: str, cases: Sequence[Case]) -> list[Given]:
    """Each case that has a role, with it. Only the protocol's training set has train and val.

    Raises UsageError for a fold that the protocol does not have or a table that says nothing of the dataset.
    """
    given = _published(plan, dataset, cases) if plan.table else _hashed(protocol, plan, dataset, cases)
    trains = dataset == protocol.train
    return [(case, role) for case, role in given if trains or role in {"tune", "test"}]


def _hashed(protocol: Protocol, plan: Plan, dataset: str, cases: Sequence[Case]) -> Iterator[Given]:
    splits = protocol.splits
    if plan.fold is not None and not plan.fold < splits.folds:
        have = f"has folds 0 to {splits.folds - 1}" if splits.folds else "has no folds"
        hint = "add --set protocol.splits.folds=5 to cut it in five"
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


def _published(plan: Plan, dataset: str, cases: Sequence[Case]) -> Iterator[Given]:
    """The cases of a table that are here, each role once: published tables repeat rows."""
    assert plan.table is not None
    known = {case.case_id: case for case in cases}
    rows = plan.table.rows(plugins.label(dataset), plan.fold, plan.source)
    wanted = list(dict.fromkeys((case_id, role) for case_id, role, _ in rows))
    absent = {case_id for case_id, _ in wanted if case_id not in known}
    if len(wanted) < len(rows):
        log.info(f"{dataset}: {len(rows) - len(wanted)} rows of the split table are repeats and count once")
    if absent:
        log.info(f"{dataset}: {len(absent)} of the split table's cases are not here: {few(sorted(absent))}")
    return ((known[case_id], role) for case_id, role in wanted if case_id in known)


def only_named(plan: Plan, dataset: str, cases: Sequence[Case]) -> list[audit.Seen]:
    """The rows of a published table whose cases are not here, for the audit: a leaky table is one all the same."""
    if plan.table is None:
        return []
    here, label = {case.case_id for case in cases}, plugins.label(dataset)
    subjects = plan.table.subjects(label)
    rows = plan.table.rows(label, plan.fold, plan.source)
    return [audit.Seen(label, name, subjects[name], role) for name, role, _ in rows if name not in here]


def few(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
