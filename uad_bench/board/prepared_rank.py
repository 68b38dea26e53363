"""Which prepared cases a person should look at first: those with warnings, then those unlike the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: Below this many values no case can be told from the others.
FEWEST = 5


@dataclass(frozen=True)
class Facts:
    """What is known of a prepared case without its voxels.

    label: "healthy", or the kind of lesion; warnings: sentences; measured: by name and unit, compared over the
    cohort; counted: the same, but only told ("lesion ml before"), because cases differ in it by nature.
    """

    case_id: str
    label: str
    warnings: tuple[str, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranked:
    """A case and how far it is from the cohort. z: by measured name; farthest: the name of the largest |z|."""

    facts: Facts
    z: Mapping[str, float]

    @property
    def farthest(self) -> str:
        """The measured name with the largest |z|, "" where none can be told."""
        return max(self.z, key=lambda name: abs(self.z[name]), default="")

    @property
    def distance(self) -> float:
        """The largest |z|."""
        return abs(self.z[self.farthest]) if self.z else 0.0


def ranked(cases: Sequence[Facts]) -> list[Ranked]:
    """Most warnings first, then the largest robust |z| of any measured value, then by case id."""
    scores: list[dict[str, float]] = [{} for _ in cases]
    for name in dict.fromkeys(name for facts in cases for name in facts.measured):
        having = [i for i, facts in enumerate(cases) if name in facts.measured]
        values = robust_z(np.array([cases[i].measured[name] for i in having]))
        for i, value in zip(having, values, strict=True):
            scores[i][name] = round(float(value), 2)
    found = [Ranked(facts, score) for facts, score in zip(cases, scores, strict=True)]
    return sorted(found, key=lambda one: (-len(one.facts.warnings), -one.distance, one.facts.case_id))


def robust_z(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance from the median in deviations, (n,): 0.6745 (x - median) / MAD (Iglewicz and Hoaglin 1993).

    Where half of the values are equal, and MAD is 0, the mean absolute deviation stands in for it; zeros where
    there are fewer than five values.
    """
    apart = values - np.median(values) if values.size >= FEWEST else np.zeros_like(values)
    mad, mean = (np.median(np.abs(apart)), np.abs(apart).mean()) if values.size else (0.0, 0.0)
    spread = mad / 0.6745 if mad > 0 else 1.2533 * mean
    scores: npt.NDArray[np.float64] = apart / spread if spread > 0 else np.zeros_like(values)
    return scores
