"""Rules L7 and L8: what was learnt from cases remembers them, and none of them may be a test case."""

from collections.abc import Iterable, Iterator, Sequence

from uad_bench.data.audit.findings import ROLES, Finding, FittedObject, Seen, count
from uad_bench.data.splits import ids_hash

#: Whose cases each kind of object may have seen.
ALLOWED = {"landmarks": {"train"}, "template": {"train"}, "threshold": {"val", "tune"}}


def audit_fitted(fitted: Iterable[FittedObject], seen: Sequence[Seen]) -> list[Finding]:
    """L7 (thresholds) and L8 (landmarks, templates): an error for each object that saw a test case.

    An object that kept only the hash of its ids is held against the hashes of every role: one that is not the
    hash of a role that it may see is an error for a threshold, which is made within a run, and a warning for
    what may come from outside. Oracles say what they are and pass.
    """
    return [_judged(one, seen) for one in fitted if not one.oracle]


def _judged(one: FittedObject, seen: Sequence[Seen]) -> Finding:
    rule = "L7" if one.kind == "threshold" else "L8"
    if not one.case_ids:
        return _by_hash(rule, one, seen)
    saw, full = set(one.case_ids), any("/" in case_id for case_id in one.case_ids)
    roles = {role: {_name(s, full) for s in seen if s.role == role} for role in ROLES}
    shared = tuple(sorted(saw & roles["test"]))
    if shared:
        return Finding(rule, "error", f"{one.kind} {one.name!r} saw {count(shared, 'test case')}", shared)
    allowed: set[str] = set().union(*(roles[role] for role in ALLOWED[one.kind]))
    words = " and ".join(sorted(ALLOWED[one.kind]))
    if strange := tuple(sorted(saw - allowed)):
        what = f"{one.kind} {one.name!r} saw {count(strange, 'case')} outside {words}"
        return Finding(rule, "warning", what, strange)
    return Finding(rule, "note", f"{one.kind} {one.name!r} saw {count(saw, 'case')} of {words} only")


def _by_hash(rule: str, one: FittedObject, seen: Sequence[Seen]) -> Finding:
    if not one.ids_sha256:
        what = f"{one.kind} {one.name!r} does not say on which cases it was fitted"
        return Finding(rule, "warning", what)
    role = _role_of_hash(one.ids_sha256, seen)
    if role in ALLOWED[one.kind]:
        return Finding(rule, "note", f"{one.kind} {one.name!r} saw the {role} cases and no other")
    what = f"{one.kind} {one.name!r} saw " + (
        f"the {role} cases" if role else "cases that no role here holds"
    )
    severe = role == "test" or one.kind == "threshold"
    return Finding(rule, "error" if severe else "warning", what)


def _role_of_hash(ids_sha256: str, seen: Sequence[Seen]) -> str:
    """The role whose cases have this hash, "" for none."""
    for role in ROLES:
        for cases in _groups([one for one in seen if one.role == role]):
            if ids_sha256 in {ids_hash({_name(one, full) for one in cases}) for full in (True, False)}:
                return role
    return ""


def _groups(cases: Sequence[Seen]) -> Iterator[list[Seen]]:
    """The cases of a role as objects are made from them: of all datasets or one, with lesions or all."""
    for dataset in (None, *sorted({one.dataset for one in cases})):
        some = [one for one in cases if dataset in (None, one.dataset)]
        yield from (group for group in (some, [one for one in some if not one.healthy]) if group)


def _name(one: Seen, full: bool) -> str:
    return one.name if full else one.case_id
