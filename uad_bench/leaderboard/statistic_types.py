"""What statistics say of rows, as frozen data, and the scheme they are made by."""

from dataclasses import dataclass
from typing import NamedTuple

from uad_bench.evaluate.curves import bootstrap


class Contrast(NamedTuple):
    """The paired difference of a row to another one in `metric`, over `n` patients, seeds averaged first.

    difference: this row less `other`, with its 95 % interval; p: sign-flip permutation test, p_holm: the same after
    Holm's correction over the table; p_wilcoxon: signed-rank test. None where too few patients are shared.
    """

    other: str
    metric: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_wilcoxon: float | None


class Standing(NamedTuple):
    """How sure a rank is: its 95 % interval over bootstraps of the patients, the share of them in which it is the
    first, and the letters of the groups of rows that no test tells apart ("a", "ab"; after "z" comes "a1").

    by_case: a second opinion, the rank by the mean of the ranks on each patient; None without values of cases.
    """

    low: int
    high: int
    first: float
    letters: str
    by_case: int | None = None


class Critical(NamedTuple):
    """What a critical-difference diagram shows (Demsar 2006): ranked rows by their mean rank over `n` patients.

    mean_ranks: (label, mean rank), the best first; difference: Nemenyi's critical difference, None with fewer than
    two rows; p: Friedman's test (None with fewer than three rows); cliques: largest sets of labels whose mean ranks
    lie closer than that.
    """

    metric: str
    n: int
    mean_ranks: tuple[tuple[str, float], ...]
    difference: float | None
    p: float | None
    cliques: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scheme:
    """How intervals, tests and ranks are made; whoever has this and the runs can make them again.

    draws, seed: of the patient resamples; flips: random sign flips of a paired test, exact: up to so many patients
    all of them are tried.
    """

    draws: int = bootstrap.DRAWS
    seed: int = bootstrap.SEED
    alpha: float = 0.05
    flips: int = 10_000
    exact: int = 16
    interval: str = "two-way (seeds x patients) variance components, t quantile"
    test: str = "paired sign-flip permutation"
    correction: str = "Holm"
    ranking: str = "aggregate, then rank"


SCHEME = Scheme()
