"""Which prepared cases a person should look at first: those with warnings, then those unlike the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: Below this many values no case can be told from the others.
FEWEST = 5
# Of the median, or of 1 where that is more: no person could see a smaller deviation.
LEAST = 0.005


@dataclass(frozen=True)
class Facts:
    """What is known of a prepared case without its voxels.

    label: "healthy", or the kind of lesion; warnings: sentences; measured: values by name ("dice", "brain, ml"),
    compared over the cohort; counted: the same, but only told, because cases differ in them by nature.
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

    A deviation is taken to be at least half a per cent of the median, and at least 0.005, so that values which
    hardly differ at all tell nobody apart. Zeros for fewer than five values.
    """
    if values.size < FEWEST:
        return np.zeros_like(values)
    middle = float(np.median(values))
    apart = values - middle
    spread = float(np.median(np.abs(apart))) / 0.6745
    scores: npt.NDArray[np.float64] = apart / max(spread, LEAST * max(abs(middle), 1.0))
    return scores
