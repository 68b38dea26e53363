"""Rules L1, L2, L5, L6, L10 and L14: subjects with conflicting roles, from ids and roles alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

from uad_bench.data.audit.findings import ROLES, AuditedCase, Finding, Subject, count
from uad_bench.data.splits import ids_hash


def audit_roles(cases: Sequence[AuditedCase], same: Iterable[tuple[Subject, Subject]] = ()) -> list[Finding]:
    """The findings under L1, L2, L5, L6, L10 and L14.

    same: declared pairs of (dataset, subject id) of two datasets that are one person.
    """
    datasets = sorted({one.dataset for one in cases})
    return [f for dataset in datasets for f in _of_dataset(dataset, cases)] + _declared_pairs(
        cases, list(same)
    )


def _of_dataset(dataset: str, everyone: Sequence[AuditedCase]) -> list[Finding]:
    cases = [one for one in everyone if one.dataset == dataset]
    subjects: dict[str, list[AuditedCase]] = defaultdict(list)
    for one in cases:
        subjects[one.subject_id].append(one)
    return [
        *_shared_subjects(dataset, subjects),
        *_repeated_cases(dataset, cases),
        *_split_sessions(dataset, subjects),
        *_training_with_lesions(dataset, cases),
        *_test_set(dataset, cases),
    ]


def _shared_subjects(dataset: str, subjects: dict[str, list[AuditedCase]]) -> list[Finding]:
    roles = {subject: {one.role for one in cases} for subject, cases in subjects.items()}
    findings = []
    for pair in combinations(ROLES, 2):
        both = tuple(sorted(subject for subject, has in roles.items() if set(pair) <= has))
        if both:
            what = f"{dataset}: {pair[0]} and {pair[1]} share {count(both, 'subject')}"
            findings.append(Finding("L1", "error", what, both))
    passed = Finding("L1", "note", f"{dataset}: {count(subjects, 'subject')}, each in one role")
    return findings or [passed]


def _split_sessions(dataset: str, subjects: dict[str, list[AuditedCase]]) -> list[Finding]:
    sessions = {s: {one.case_id: one.role for one in cases} for s, cases in subjects.items()}
    several = {subject: roles for subject, roles in sessions.items() if len(roles) > 1}
    split = {subject: roles for subject, roles in several.items() if len(set(roles.values())) > 1}
    if split:
        what = f"{dataset}: the sessions of {count(split, 'subject')} are in different roles"
        cases = tuple(sorted(case for roles in split.values() for case in roles))
        return [Finding("L5", "error", what, cases)]
    passed = (
        f"{count(several, 'subject')} with several sessions, none in different roles"
        if several
        else "one session per subject"
    )
    return [Finding("L5", "note", f"{dataset}: {passed}")]


def _repeated_cases(dataset: str, cases: Sequence[AuditedCase]) -> list[Finding]:
    findings = []
    for role in ROLES:
        rows = Counter(one.case_id for one in cases if one.role == role)
        if repeated := tuple(sorted(case_id for case_id, number in rows.items() if number > 1)):
            what = f"{dataset}: {count(repeated, 'case')} of {role} on several rows, each counts once"
            findings.append(Finding("L2", "warning", what, repeated))
    return findings or [Finding("L2", "note", f"{dataset}: no case on several rows")]


def _training_with_lesions(dataset: str, cases: Sequence[AuditedCase]) -> list[Finding]:
    training = [one for one in cases if one.role in {"train", "val"} and one.healthy is not None]
    lesions = tuple(sorted({one.case_id for one in training if not one.healthy}))
    if lesions:
        what = f"{dataset}: {count(lesions, 'case')} with lesions in train or val"
        return [Finding("L10", "error", what, lesions)]
    what = f"{dataset}: {count(training, 'case')} of train and val, all declared healthy"
    return [Finding("L10", "note", what)] if training else []


def _test_set(dataset: str, cases: Sequence[AuditedCase]) -> list[Finding]:
    ids = {one.case_id for one in cases if one.role == "test"}
    what = f"{dataset}: {count(ids, 'test case')}, ids {ids_hash(ids)[:12]}"
    return [Finding("L14", "note", what)] if ids else []


def _declared_pairs(cases: Sequence[AuditedCase], same: Sequence[tuple[Subject, Subject]]) -> list[Finding]:
    """One finding for each two datasets and the roles of their pairs; an error, even within one role."""
    roles: dict[Subject, set[str]] = defaultdict(set)
    for one in cases:
        roles[one.subject].add(one.role)
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for pair in same:
        both = " and ".join(sorted(roles[pair[0]] | roles[pair[1]], key=ROLES.index))
        groups[pair[0][0], pair[1][0], both] += ["/".join(subject) for subject in pair]
    return [
        Finding("L6", "error", _in_two(one, other, len(names) // 2, both), tuple(names))
        for (one, other, both), names in groups.items()
    ]


def _in_two(one: str, other: str, number: int, both: str) -> str:
    people = "1 person is" if number == 1 else f"{number} people are"
    counted = "" if " and " in both else ", so that results on both are not independent"
    return f"{people} in both datasets, {one} and {other}, in {both}{counted}"
