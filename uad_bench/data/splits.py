"""Who is for what: the role of a subject, as a pure function of its name.

A subject's role depends on the salt and its own id alone, so a missing or added subject moves no other, and
all sessions of one subject share a role. The price: shares are met on average, not to the last subject.
"""

import bisect
import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping

from uad_bench.data.nifti.validation import check_ids
from uad_bench.errors import UsageError, unknown_name
from uad_bench.types import Case

HEALTHY_ROLES = ("train", "val", "test")
LESION_ROLES = ("tune", "test")


def assign(
    cases: Iterable[Case], fractions: Mapping[str, float], salt: str, folds: int = 0, fold: int | None = None
) -> dict[str, str]:
    """The role of each case, {case_id: role}, in the order of `case_id`.

    `cases` are all healthy (roles train, val, test) or all with lesions (tune, test); `fractions` say the
    share of each role and sum to 1. With a `fold`, test stays what it is, and of the other healthy subjects
    those of that fold are val and all others train, whatever the shares of these two.
    Raises DataError for ids met twice, UsageError for cases of both sorts, for another role, for shares that
    do not sum to 1, or for a fold that is none of `folds`.
    """
    ordered = sorted(cases, key=lambda case: case.case_id)
    check_ids(ordered)
    if not ordered:
        return {}
    if len({case.healthy for case in ordered}) > 1:
        raise UsageError("healthy and lesion cases are split together", hint="split them one after the other")
    known = HEALTHY_ROLES if all(case.healthy for case in ordered) else LESION_ROLES
    shares = _shares(fractions, known)
    if fold is None:
        return {case.case_id: _role(position(case.subject_id, salt), shares) for case in ordered}
    if folds < 2 or not 0 <= fold < folds:
        hint = "there are at least two folds, and the first is fold 0"
        raise UsageError(f"fold {fold} of {folds} folds", hint=hint)
    return {case.case_id: _role_in_fold(case.subject_id, salt, shares, folds, fold) for case in ordered}


def position(subject_id: str, salt: str) -> float:
    """A subject's fixed place in [0, 1): the first 53 bits of sha256(salt, subject_id)."""
    digest = hashlib.sha256(f"{salt}\0{subject_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def fold_of(subject_id: str, salt: str, folds: int) -> int:
    """The fold, 0 to `folds` - 1, in which a subject is val.

    It has a hash of its own, so that it knows nothing of the roles and moves with no share.
    """
    return int(position(subject_id, f"{salt}\0fold") * folds)


def ids_hash(case_ids: Iterable[str]) -> str:
    """One SHA-256 (hex) for a set of ids, whatever their order."""
    return hashlib.sha256("\n".join(sorted(case_ids)).encode()).hexdigest()


def _shares(fractions: Mapping[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """The shares in the fixed order of the roles, so that the order of keys in a file means nothing."""
    for role in fractions:
        if role not in known:
            raise unknown_name("role", role, known)
    total = math.fsum(fractions.values())
    if min(fractions.values(), default=0) < 0 or abs(total - 1) > 1e-9:
        raise UsageError(
            f"the shares {dict(fractions)} sum to {total:g}", hint="shares are >= 0 and sum to 1"
        )
    return {role: fractions[role] for role in known if fractions.get(role, 0) > 0}


def _role(place: float, shares: Mapping[str, float]) -> str:
    edges = list(itertools.accumulate(shares.values()))
    edges[-1] = 1.0  # sums of shares may miss 1 by a rounding
    return list(shares)[bisect.bisect_right(edges, place)]


def _role_in_fold(subject_id: str, salt: str, shares: Mapping[str, float], folds: int, fold: int) -> str:
    role = _role(position(subject_id, salt), shares)
    if role not in {"train", "val"}:
        return role
    return "val" if fold_of(subject_id, salt, folds) == fold else "train"
