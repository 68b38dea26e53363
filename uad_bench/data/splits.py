"""The role of a subject (train, val, tune, test), as a pure function of its id.

A role depends on the salt and the subject's own id alone: a missing or added subject changes no other role, and all
sessions of a subject share a role. The shares are therefore exact on average only.
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
    """The role of each case, {case_id: role}, ordered by case id.

    cases: all healthy (roles train, val, test) or all with lesions (tune, test); fractions: the share of each role,
    sum 1; fold: test stays the same, and of the other healthy subjects those of this fold are val and all others
    train, whatever the shares of these two. Raises DataError for duplicate ids (UB329), UsageError for healthy and
    lesion cases together, an unknown role, shares that do not sum to 1, or a fold outside 0 to `folds` - 1.

    >>> from pathlib import Path
    >>> cases = [Case("study", name, name, {"t2": Path(f"{name}.nii")}, healthy=True) for name in "abcd"]
    >>> assign(cases, {"train": 0.5, "test": 0.5}, salt="study-1")
    {'a': 'test', 'b': 'test', 'c': 'test', 'd': 'train'}
    """
    ordered = sorted(cases, key=lambda case: case.case_id)
    check_ids(ordered)
    if not ordered:
        return {}
    if len({case.healthy for case in ordered}) > 1:
        raise UsageError("healthy and lesion cases are split together", hint="split them separately")
    known = HEALTHY_ROLES if all(case.healthy for case in ordered) else LESION_ROLES
    shares = _shares(fractions, known)
    if fold is None:
        return {case.case_id: _role(position(case.subject_id, salt), shares) for case in ordered}
    if folds < 2 or not 0 <= fold < folds:
        hint = "use at least two folds; the first is fold 0"
        raise UsageError(f"fold {fold} of {folds} folds does not exist", hint=hint)
    return {case.case_id: _role_in_fold(case.subject_id, salt, shares, folds, fold) for case in ordered}


def position(subject_id: str, salt: str) -> float:
    """The position of a subject in [0, 1): the first 53 bits of SHA-256(salt, subject_id) as a fraction."""
    digest = hashlib.sha256(f"{salt}\0{subject_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def fold_of(subject_id: str, salt: str, folds: int) -> int:
    """The fold, 0 to `folds` - 1, in which a subject is val.

    It comes from a second hash, so that it is independent of the roles and of their shares.
    """
    return int(position(subject_id, f"{salt}\0fold") * folds)


def ids_hash(case_ids: Iterable[str]) -> str:
    """The SHA-256 (hex) of a set of ids, independent of their order."""
    return hashlib.sha256("\n".join(sorted(case_ids)).encode()).hexdigest()


def _shares(fractions: Mapping[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """The shares in the fixed order of the roles: the order of keys in a file must not matter."""
    for role in fractions:
        if role not in known:
            raise unknown_name("role", role, known)
    total = math.fsum(fractions.values())
    if min(fractions.values(), default=0) < 0 or abs(total - 1) > 1e-9:
        raise UsageError(
            f"the shares {dict(fractions)} sum to {total:g}", hint="shares are >= 0 and sum to 1"
        )
    return {role: fractions[role] for role in known if fractions.get(role, 0) > 0}


def _role(at: float, shares: Mapping[str, float]) -> str:
    edges = list(itertools.accumulate(shares.values()))
    edges[-1] = 1.0  # the sum of the shares may differ from 1 by rounding
    return list(shares)[bisect.bisect_right(edges, at)]


def _role_in_fold(subject_id: str, salt: str, shares: Mapping[str, float], folds: int, fold: int) -> str:
    role = _role(position(subject_id, salt), shares)
    if role not in {"train", "val"}:
        return role
    return "val" if fold_of(subject_id, salt, folds) == fold else "train"
