"""The balance of roles over sites, ages and sexes, and the choice of a salt that balances them.

A role depends on the salt and the subject's own id alone (`splits`): stratified sampling would change roles whenever a
subject or its demographics are missing. The balance therefore comes from the salt, which is chosen once, on the known
ids, and written into the protocol.
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

    A subject counts once, with its first session; cases without a role and unknown values are left out.
    """
    subjects = {
        case.subject_id: case
        for case in sorted(cases, key=lambda case: case.case_id, reverse=True)
        if case.case_id in roles
    }
    names = sorted({roles[case.case_id] for case in subjects.values()})
    counts: dict[tuple[str, str], Counter[str]] = {}
    for case in subjects.values():
        for kind, value in _balanced_strata(case):
            counts.setdefault((kind, value), Counter())[roles[case.case_id]] += 1
    return [
        Stratum(kind, value, count.total(), {name: count[name] / count.total() for name in names})
        for (kind, value), count in sorted(counts.items(), key=lambda item: (item[0][0] != "all", item[0]))
    ]


def _balanced_strata(case: Case) -> list[tuple[str, str]]:
    return [
        ("all", "all"),
        *((kind, value) for kind, value in case_strata(case).items() if kind != "scanner"),
    ]


def case_strata(case: Case) -> dict[str, str]:
    """The known strata of a case: site, scanner, age (a band of 20 years) and sex.

    >>> case_strata(Case("study", "a", "a", {}, healthy=True, site="Guys", age=35.8))
    {'site': 'Guys', 'age': '20-39'}
    """
    first = -1 if case.age is None else int(case.age // BAND) * BAND
    known = {
        "site": case.site,
        "scanner": case.scanner,
        "age": "" if first < 0 else f"{first:02d}-{first + BAND - 1}",
        "sex": case.sex or "",
    }
    return {kind: value for kind, value in known.items() if value}


#: Limits between bands of lesion load, ml. In a public set of 30 patients with multiple sclerosis the quartiles are
#: 1.8, 14.1 and 28.5 ml; most gliomas are larger.
LOADS_ML = (1, 5, 20, 50)


def load_band(ml: float) -> str:
    """The band of a lesion load, ml.

    >>> load_band(0.5), load_band(5), load_band(60)
    ('<1ml', '5-20ml', '>=50ml')
    """
    ends = ["", *map(str, LOADS_ML), ""]
    band = sum(ml >= end for end in LOADS_ML)
    low, high = ends[band], ends[band + 1]
    return f"{low}-{high}ml" if low and high else f"<{high}ml" if high else f">={low}ml"


def widest_gap(strata: Iterable[Stratum], fractions: Mapping[str, float]) -> float:
    """The largest difference between a share and the intended one, over all `strata`."""
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
    """The first salt of uad-bench-1, uad-bench-2 ... that balances every stratum of every cohort.

    cohorts: may overlap, for instance all known subjects, and those with a certain modality; within: the largest
    difference between a stratum's share of a role and the intended one; folds_within: the largest difference between a
    fold's share of the subjects that are not test and 1 / folds.
    """
    salts = (f"uad-bench-{number}" for number in itertools.count(1))
    return next(
        salt
        for salt in salts
        if all(role_gap(cases, fractions, salt) <= within for cases in cohorts)
        and all(fold_gap(cases, fractions, salt, folds) <= folds_within for cases in cohorts)
    )


def role_gap(cases: Sequence[Case], fractions: Mapping[str, float], salt: str) -> float:
    """The largest difference between the shares that a salt gives and the intended ones, over all strata."""
    return widest_gap(balance(cases, assign(cases, fractions, salt)), fractions)


def fold_gap(cases: Sequence[Case], fractions: Mapping[str, float], salt: str, folds: int) -> float:
    """The largest difference between the folds that a salt gives and equal shares, over all strata, without test."""
    roles = assign(cases, fractions, salt)
    others = [case for case in cases if roles[case.case_id] != "test"]
    bins = {case.case_id: str(fold_of(case.subject_id, salt, folds)) for case in others}
    return widest_gap(balance(others, bins), {str(fold): 1 / folds for fold in range(folds)})


def share_for(subject_ids: Iterable[str], salt: str, count: int) -> float:
    """The share that gives the first role to exactly `count` of the given subjects.

    It is halfway between the positions of the last subject with the role and the first one without, so that rounding
    changes neither. Raises UsageError where `count` is not between 1 and the number of subjects less one.
    """
    positions = sorted({position(subject_id, salt) for subject_id in subject_ids})
    if not 0 < count < len(positions):
        raise UsageError(
            f"{count} of {len(positions)} subjects", hint="choose some of the subjects, not none or all"
        )
    return (positions[count - 1] + positions[count]) / 2
