"""Order in which prepared cases should be inspected: those with warnings first, then outliers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: With fewer values there are no outliers.
MIN_CASES = 5
#: Smallest standard deviation, as a share of the median (of 1 where that is larger): smaller ones are irrelevant.
MIN_DEVIATION = 0.005


@dataclass(frozen=True)
class CaseFacts:
    """Measures and warnings of a prepared case, without its voxels.

    label: "healthy" or the lesion kind; warnings: sentences; compared: values by name ("dice", "brain, ml") for which
    outliers are computed; listed: values that are only shown, since they differ between cases by nature.
    """

    case_id: str
    label: str
    warnings: tuple[str, ...] = ()
    compared: Mapping[str, float] = field(default_factory=dict)
    listed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RankedCase:
    """A case with its robust z-scores by name of the compared values."""

    facts: CaseFacts
    z: Mapping[str, float]

    @property
    def farthest(self) -> str:
        """The name of the largest |z|, "" without z-scores."""
        return max(self.z, key=lambda name: abs(self.z[name]), default="")

    @property
    def distance(self) -> float:
        """The largest |z|."""
        return abs(self.z[self.farthest]) if self.z else 0.0


def rank_cases(cases: Sequence[CaseFacts]) -> list[RankedCase]:
    """The cases by number of warnings, then by the largest robust |z| of any compared value, then by case id."""
    scores: list[dict[str, float]] = [{} for _ in cases]
    for name in dict.fromkeys(name for facts in cases for name in facts.compared):
        having = [i for i, facts in enumerate(cases) if name in facts.compared]
        values = robust_z(np.array([cases[i].compared[name] for i in having]))
        for i, value in zip(having, values, strict=True):
            scores[i][name] = round(float(value), 2)
    found = [RankedCase(facts, score) for facts, score in zip(cases, scores, strict=True)]
    return sorted(found, key=lambda one: (-len(one.facts.warnings), -one.distance, one.facts.case_id))


def robust_z(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Robust z-scores (n,): 0.6745 (x - median) / MAD (Iglewicz and Hoaglin 1993).

    The standard deviation MAD / 0.6745 is at least 0.5 % of the median and at least 0.005, so that values that are
    almost equal give no outliers. Zeros for fewer than five values.

    >>> robust_z(np.array([1.0, 2.0, 3.0, 4.0, 9.0])).round(2).tolist()
    [-1.35, -0.67, 0.0, 0.67, 4.05]
    """
    if values.size < MIN_CASES:
        return np.zeros_like(values)
    median = float(np.median(values))
    differences = values - median
    deviation = float(np.median(np.abs(differences))) / 0.6745
    scores: npt.NDArray[np.float64] = differences / max(deviation, MIN_DEVIATION * max(abs(median), 1.0))
    return scores
