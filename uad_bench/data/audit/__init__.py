"""Leaks: who is in two roles, twice, under two names, or where he must not be. Nothing is read here.

Each function takes what is known of the cases and gives findings: errors, which block a run; warnings; and notes,
which say what was looked at and held. This module is the door to all of them: equal and alike scans are in
`twins`, what was fitted on whom in `memory`, the list of all fourteen rules in `rules`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

from uad_bench.data.audit.duplicates import audit_voxels
from uad_bench.data.audit.findings import (
    ROLES,
    Finding,
    FittedObject,
    Person,
    Seen,
    Severity,
    blocking,
    count,
)
from uad_bench.data.audit.fitted_objects import audit_fitted
from uad_bench.data.audit.rules import as_lines
from uad_bench.data.splits import ids_hash

__all__ = [
    "Finding",
    "FittedObject",
    "Seen",
    "as_lines",
    "audit_fitted",
    "audit_roles",
    "audit_voxels",
    "blocking",
]


def audit_roles(seen: Sequence[Seen], same: Iterable[tuple[Person, Person]] = ()) -> list[Finding]:
    """L1, L2, L5, L6, L10 and L14, from ids and roles alone.

    `same` declares pairs of (dataset, subject id) of two datasets that are one person.
    """
    findings = [f for dataset in sorted({one.dataset for one in seen}) for f in _of_dataset(dataset, seen)]
    return findings + _one_person(seen, list(same))


def _of_dataset(dataset: str, seen: Sequence[Seen]) -> list[Finding]:
    cases = [one for one in seen if one.dataset == dataset]
    subjects: dict[str, list[Seen]] = defaultdict(list)
    for one in cases:
        subjects[one.subject_id].append(one)
    return [
        *_shared(dataset, subjects),
        *_repeated(dataset, cases),
        *_torn_sessions(dataset, subjects),
        *_unhealthy(dataset, cases),
        *_test_set(dataset, cases),
    ]


def _shared(dataset: str, subjects: dict[str, list[Seen]]) -> list[Finding]:
    roles = {subject: {one.role for one in cases} for subject, cases in subjects.items()}
    findings = []
    for pair in combinations(ROLES, 2):
        both = tuple(sorted(subject for subject, has in roles.items() if set(pair) <= has))
        if both:
            what = f"{dataset}: {pair[0]} and {pair[1]} share {count(both, 'subject')}"
            findings.append(Finding("L1", "error", what, both))
    held = Finding("L1", "note", f"{dataset}: {count(subjects, 'subject')}, each in one role")
    return findings or [held]


def _torn_sessions(dataset: str, subjects: dict[str, list[Seen]]) -> list[Finding]:
    sessions = {s: {one.case_id: one.role for one in cases} for s, cases in subjects.items()}
    several = {subject: roles for subject, roles in sessions.items() if len(roles) > 1}
    torn = {subject: roles for subject, roles in several.items() if len(set(roles.values())) > 1}
    if torn:
        what = f"{dataset}: the sessions of {count(torn, 'subject')} are in different roles"
        return [
            Finding("L5", "error", what, tuple(sorted(case for roles in torn.values() for case in roles)))
        ]
    held = (
        f"{count(several, 'subject')} with several sessions, none torn"
        if several
        else "one session a subject"
    )
    return [Finding("L5", "note", f"{dataset}: {held}")]


def _repeated(dataset: str, cases: Sequence[Seen]) -> list[Finding]:
    findings = []
    for role in ROLES:
        met = Counter(one.case_id for one in cases if one.role == role)
        if twice := tuple(sorted(case_id for case_id, times in met.items() if times > 1)):
            what = f"{dataset}: {count(twice, 'case')} of {role} on several rows, each counts once"
            findings.append(Finding("L2", "warning", what, twice))
    return findings or [Finding("L2", "note", f"{dataset}: no case on two rows")]


def _unhealthy(dataset: str, cases: Sequence[Seen]) -> list[Finding]:
    learnt = [one for one in cases if one.role in {"train", "val"} and one.healthy is not None]
    ill = tuple(sorted({one.case_id for one in learnt if not one.healthy}))
    if ill:
        what = f"{dataset}: {count(ill, 'case')} with lesions in train or val"
        return [Finding("L10", "error", what, ill)]
    what = f"{dataset}: {count(learnt, 'case')} of train and val, all said to be healthy"
    return [Finding("L10", "note", what)] if learnt else []


def _test_set(dataset: str, cases: Sequence[Seen]) -> list[Finding]:
    ids = {one.case_id for one in cases if one.role == "test"}
    what = f"{dataset}: {count(ids, 'test case')}, ids {ids_hash(ids)[:12]}"
    return [Finding("L14", "note", what)] if ids else []


def _one_person(seen: Sequence[Seen], same: Sequence[tuple[Person, Person]]) -> list[Finding]:
    roles: dict[Person, set[str]] = defaultdict(set)
    for one in seen:
        roles[one.person].add(one.role)
    findings = []
    for pair in same:
        met = roles.get(pair[0], set()) | roles.get(pair[1], set())
        if all(person in roles for person in pair):
            severity: Severity = "error" if len(met) > 1 else "warning"
            names = tuple("/".join(person) for person in pair)
            what = f"one person in two datasets, in {' and '.join(sorted(met))}"
            findings.append(Finding("L6", severity, what, names))
    held = [Finding("L6", "note", f"{count(same, 'declared pair')}, none with both here")] if same else []
    return findings or held
