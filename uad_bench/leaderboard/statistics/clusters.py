"""Several cases of one subject are correlated: they are combined by subject before any inference.

Ranks, printed means, differences, intervals, tests and resamples are all of the mean over cases, so that a subject with
more cases counts more in each of them. Only ranks on each subject (`subject_means`) count subjects alike.
Values are (replicates, cases), NaN where a case is undefined. With one case per subject nothing changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.leaderboard.statistics.variance_components import Floats

Indices = npt.NDArray[np.intp]


def subject_indices(ids: Sequence[str], subjects: Mapping[str, str]) -> Indices:
    """Index of the subject of each case, (cases,), counted from 0 in the order of the cases.

    subjects: subject id by case id; a case that is missing is its own subject.

    >>> subject_indices(["a1", "a2", "b"], {"a1": "a", "a2": "a"}).tolist()
    [0, 0, 1]
    """
    found: dict[str, int] = {}
    return np.array([found.setdefault(subjects.get(i, i), len(found)) for i in ids], np.intp)


def subject_means(values: Floats, subject: Indices) -> Floats:
    """Mean of each subject's cases, (replicates, subjects), for ranks on a subject; NaN where a case is undefined.

    >>> subject_means(np.array([[0.2, 0.4, 0.9]]), np.array([0, 0, 1])).tolist()
    [[0.30000000000000004, 0.9]]
    """
    if _one_case_each(subject):
        return values
    return np.asarray(_sums(values, subject) / np.bincount(subject))


def subject_totals(values: Floats, subject: Indices) -> Floats:
    """Share of each subject in the mean over cases, (replicates, subjects), for differences, tests and resamples.

    For k subjects with n cases in all: k / n times the sum of the subject's cases, NaN where one is undefined. Their
    mean is the mean over cases. The share of a subject changes its sign with that of its values, so that differences of
    equal methods are symmetric, also where one subject has most cases. There `influence_values` are nearly equal
    whatever the values are, and a test of them would claim what one subject says.

    >>> subject_totals(np.array([[0.2, 0.4, 0.9]]), np.array([0, 0, 1])).round(6).tolist()
    [[0.4, 0.6]]
    """
    if _one_case_each(subject):
        return values
    cases = np.bincount(subject)
    return np.asarray(_sums(values, subject) * (len(cases) / len(subject)))


def influence_values(values: Floats, subject: Indices) -> Floats:
    """Contribution of each subject to the mean over defined cases, (replicates, subjects), for confidence intervals.

    For k subjects with n defined cases in all: mean + k / n * sum over the subject's cases of (value - mean). Their
    mean is the mean over cases, for any number of cases per subject, and their variance divided by k is the
    cluster-robust variance of that mean (Liang and Zeger 1986).
    """
    if _one_case_each(subject):
        return values
    known = ~np.isnan(values).any(0)
    cases = np.bincount(subject, known)
    if not known.any():
        return np.full((len(values), len(cases)), np.nan)
    mean = values[:, known].mean(1, keepdims=True)
    share = np.count_nonzero(cases) / known.sum()
    contributions = mean + share * _sums(np.where(known, values - mean, 0.0), subject)
    return np.asarray(np.where(cases > 0, contributions, np.nan))


def _one_case_each(subject: Indices) -> bool:
    return len(set(subject.tolist())) == len(subject)


def _sums(values: Floats, subject: Indices) -> Floats:
    total = np.zeros((len(values), int(subject.max()) + 1))
    np.add.at(total.T, subject, values.T)
    return total
