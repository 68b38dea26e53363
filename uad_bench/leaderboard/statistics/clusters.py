"""Cases of one subject are alike: they are put together before anything is said about other patients.

Values are (replicates, cases), NaN where a case is not defined. With a case for each subject nothing changes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from uad_bench.leaderboard.statistics.intervals import Floats

Places = npt.NDArray[np.intp]


def places(ids: Sequence[str], subjects: Mapping[str, str]) -> Places:
    """Which subject each case is of, (cases,), counted from 0 in the order of the cases."""
    found: dict[str, int] = {}
    return np.array([found.setdefault(subjects.get(i, i), len(found)) for i in ids], np.intp)


def averaged(values: Floats, which: Places) -> Floats:
    """The mean of each subject's cases, (replicates, subjects), for tests; NaN where one of them is not defined."""
    return values if _alone(which) else np.asarray(_sums(values, which) / np.bincount(which))


def influence(values: Floats, which: Places) -> Floats:
    """What each subject adds to the mean over defined cases, (replicates, subjects), for intervals.

    With m of the n cases, and k subjects: mean + k / n * sum of (its cases - mean). The mean of these is that over
    the cases, whatever the m, and their variance over k is the cluster-robust one.
    """
    if _alone(which):
        return values
    known = ~np.isnan(values).any(0)
    cases = np.bincount(which, known)
    if not known.any():
        return np.full((len(values), len(cases)), np.nan)
    mean = values[:, known].mean(1, keepdims=True)
    share = np.count_nonzero(cases) / known.sum()
    parts = mean + share * _sums(np.where(known, values - mean, 0.0), which)
    return np.asarray(np.where(cases > 0, parts, np.nan))


def _alone(which: Places) -> bool:
    return len(set(which.tolist())) == len(which)


def _sums(values: Floats, which: Places) -> Floats:
    total = np.zeros((len(values), int(which.max()) + 1))
    np.add.at(total.T, which, values.T)
    return total
