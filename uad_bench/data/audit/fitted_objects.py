"""Rules L7 and L8: what was fitted on cases records their ids, and no test case may be among them."""

from collections.abc import Iterable, Iterator, Sequence

from uad_bench.data.audit.findings import ROLES, AuditedCase, Finding, FittedObject, count
from uad_bench.data.splits import ids_hash

#: The roles whose cases each kind of object may be fitted on.
ALLOWED = {"landmarks": {"train"}, "template": {"train"}, "threshold": {"val", "tune"}}


def audit_fitted(fitted: Iterable[FittedObject], cases: Sequence[AuditedCase]) -> list[Finding]:
    """The findings under L7 (thresholds) and L8 (landmarks, templates): an error for each object fitted on test cases.

    For an object that stored only the hash of its ids, the hash is compared with those of every role. A hash of no
    allowed role is an error for a threshold, which is set within a run, and a warning for landmarks and templates,
    which may come from elsewhere. Oracle thresholds are declared as such and pass.
    """
    return [_finding(one, cases) for one in fitted if not one.oracle]


def _finding(one: FittedObject, cases: Sequence[AuditedCase]) -> Finding:
    rule = "L7" if one.kind == "threshold" else "L8"
    if not one.case_ids:
        return _by_hash(rule, one, cases)
    fitted_on, full = set(one.case_ids), any("/" in case_id for case_id in one.case_ids)
    roles = {role: {_name(case, full) for case in cases if case.role == role} for role in ROLES}
    test = tuple(sorted(fitted_on & roles["test"]))
    if test:
        return Finding(rule, "error", f"{_words(one)} {count(test, 'test case')}", test)
    allowed: set[str] = set().union(*(roles[role] for role in ALLOWED[one.kind]))
    words = " and ".join(sorted(ALLOWED[one.kind]))
    if others := tuple(sorted(fitted_on - allowed)):
        return Finding(rule, "warning", f"{_words(one)} {count(others, 'case')} outside {words}", others)
    return Finding(rule, "note", f"{_words(one)} {count(fitted_on, 'case')}, all of {words}")


def _by_hash(rule: str, one: FittedObject, cases: Sequence[AuditedCase]) -> Finding:
    if not one.ids_sha256:
        return Finding(rule, "warning", f"{one.kind} {one.name!r}: the cases of the fit are not recorded")
    role = _role_of_hash(one.ids_sha256, cases)
    if role in ALLOWED[one.kind]:
        return Finding(rule, "note", f"{_words(one)} exactly the {role} cases")
    what = f"the {role} cases" if role else "cases that form no role of this data"
    severe = role == "test" or one.kind == "threshold"
    return Finding(rule, "error" if severe else "warning", f"{_words(one)} {what}")


def _words(one: FittedObject) -> str:
    """The beginning of a finding on an object."""
    verb = "was set" if one.kind == "threshold" else "was fitted" if one.kind == "template" else "were fitted"
    return f"{one.kind} {one.name!r} {verb} on"


def _role_of_hash(ids_sha256: str, cases: Sequence[AuditedCase]) -> str:
    """The role whose cases have this hash, "" for none."""
    for role in ROLES:
        for group in _groups([one for one in cases if one.role == role]):
            if ids_sha256 in {ids_hash({_name(one, full) for one in group}) for full in (True, False)}:
                return role
    return ""


def _groups(cases: Sequence[AuditedCase]) -> Iterator[list[AuditedCase]]:
    """The cases of a role in the groups that objects are fitted on: of all datasets or one, with lesions or all."""
    for dataset in (None, *sorted({one.dataset for one in cases})):
        some = [one for one in cases if dataset in (None, one.dataset)]
        yield from (group for group in (some, [one for one in some if not one.healthy]) if group)


def _name(one: AuditedCase, full: bool) -> str:
    return one.name if full else one.case_id
