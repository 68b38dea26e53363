"""How evenly roles fall on sites, ages and sexes, and the salt that makes them fall evenly.

A role hangs on the salt and the subject's own id alone (`splits`): a rule that balanced strata by counting
would move roles whenever a subject or its row in the demographics is missing. So the balance comes from the
salt: it is chosen once, on the ids that are known, and written into the protocol.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from uad_bench.data.splits import assign, fold_of, position
from uad_bench.errors import UsageError
from uad_bench.types import Case

#: Width of an age band, years.
BAND = 20


@dataclass(frozen=True)
class Stratum:
    """The subjects of one site, age band or sex (`kind`), and the share of them in each role."""

    kind: str
    value: str
    subjects: int
    shares: Mapping[str, float]


def balance(cases: Iterable[Case], roles: Mapping[str, str]) -> list[Stratum]:
    """Shares of the roles {case_id: role} over all subjects, then by site, age band and sex.

    A subject counts once, with its first session; cases without a role and unknown facts are left out.
    """
    subjects = {
        case.subject_id: case
        for case in sorted(cases, key=lambda case: case.case_id, reverse=True)
        if case.case_id in roles
    }
    words = sorted({roles[case.case_id] for case in subjects.values()})
    counts: dict[tuple[str, str], Counter[str]] = {}
    for case in subjects.values():
        for kind, value in _facts(case):
            counts.setdefault((kind, value), Counter())[roles[case.case_id]] += 1
    return [
        Stratum(kind, value, met.total(), {word: met[word] / met.total() for word in words})
        for (kind, value), met in sorted(counts.items(), key=lambda item: (item[0][0] != "all", item[0]))
    ]


def _facts(case: Case) -> list[tuple[str, str]]:
    return [("all", "all"), *((kind, value) for kind, value in facts(case).items() if kind != "scanner")]


def facts(case: Case) -> dict[str, str]:
    """The strata of a case, as far as they are known: site, scanner, age (a band of 20 years) and sex."""
    first = -1 if case.age is None else int(case.age // BAND) * BAND
    known = {
        "site": case.site,
        "scanner": case.scanner,
        "age": "" if first < 0 else f"{first:02d}-{first + BAND - 1}",
        "sex": case.sex or "",
    }
    return {kind: value for kind, value in known.items() if value}


#: Upper ends of the bands of lesion load, ml. A public set of 30 patients with multiple sclerosis has quartiles of
#: 1.8, 14.1 and 28.5 ml; most gliomas hold more.
LOADS_ML = (1, 5, 20, 50)


def load_band(ml: float) -> str:
    """The band of a lesion load in ml: "<1ml", "1-5ml" ... ">=50ml"."""
    ends = ["", *map(str, LOADS_ML), ""]
    band = sum(ml >= end for end in LOADS_ML)
    low, high = ends[band], ends[band + 1]
    return f"{low}-{high}ml" if low and high else f"<{high}ml" if high else f">={low}ml"


def widest_gap(strata: Iterable[Stratum], fractions: Mapping[str, float]) -> float:
    """How far any share lies from the wanted one, in the worst of `strata`."""
    return max(
        (
            abs(stratum.shares.get(role, 0.0) - share)
            for stratum in strata
            for role, share in fractions.items()
        ),
        default=0.0,
    )


def first_salt(
    cohorts: Sequence[Sequence[Case]],
    fractions: Mapping[str, float],
    *,
    within: float,
    folds: int,
    folds_within: float,
) -> str:
    """The first of uad-bench-1, uad-bench-2 ... that is even on every stratum of every cohort.

    Cohorts may overlap: all known subjects, and those of them that have a modality. `within` bounds the gap
    between any stratum's share of a role and the wanted one, `folds_within` that between the shares of the
    folds, among the subjects that are not test, and 1 / folds.
    """
    salts = (f"uad-bench-{number}" for number in itertools.count(1))
    return next(
        salt
        for salt in salts
        if all(role_gap(cases, fractions, salt) <= within for cases in cohorts)
        and all(fold_gap(cases, fractions, salt, folds) <= folds_within for cases in cohorts)
    )


def role_gap(cases: Sequence[Case], fractions: Mapping[str, float], salt: str) -> float:
    """How far the roles that a salt gives are from the wanted shares, in the worst stratum."""
    return widest_gap(balance(cases, assign(cases, fractions, salt)), fractions)


def fold_gap(cases: Sequence[Case], fractions: Mapping[str, float], salt: str, folds: int) -> float:
    """How far the folds that a salt gives are from equal shares, in the worst stratum; test is left out."""
    roles = assign(cases, fractions, salt)
    learning = [case for case in cases if roles[case.case_id] != "test"]
    bins = {case.case_id: str(fold_of(case.subject_id, salt, folds)) for case in learning}
    return widest_gap(balance(learning, bins), {str(fold): 1 / folds for fold in range(folds)})


def share_for(subject_ids: Iterable[str], salt: str, count: int) -> float:
    """The share that gives the first role to exactly `count` of some known subjects.

    It lies halfway between the positions of the last one in and the first one out, so that rounding cannot
    move either. Raises UsageError where `count` leaves nobody in or nobody out.
    """
    places = sorted({position(subject_id, salt) for subject_id in subject_ids})
    if not 0 < count < len(places):
        raise UsageError(f"{count} of {len(places)} subjects", hint="leave somebody in and somebody out")
    return (places[count - 1] + places[count]) / 2
