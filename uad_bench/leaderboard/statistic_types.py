"""Data types of the statistics of a table, and the settings they are computed with. Field names are those in JSON."""

from dataclasses import dataclass
from typing import NamedTuple

from uad_bench.evaluate.curves import bootstrap


class Contrast(NamedTuple):
    """Paired difference between a row and a reference row `other` in the per-case metric `metric` over `n` subjects.

    Values are averaged over seeds first. difference: this row minus `other`; low, high: its 95 % confidence interval
    over seeds and subjects; p: sign-flip permutation test; p_holm: the same after Holm's correction over the rows of
    the table; p_wilcoxon: Wilcoxon signed-rank test, uncorrected. None where fewer than two subjects are shared.
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


class RankStatistics(NamedTuple):
    """Uncertainty of a rank over bootstrap resamples of the patients.

    low, high: 95 % percentile interval of the rank; first: share of resamples in which the row ranks first;
    letters: compact letter display, rows that share a letter do not differ significantly ("a", "ab"; "a1" follows "z");
    by_case: rank by the mean of the per-case ranks (rank-then-aggregate), None without per-case values.
    """

    low: int
    high: int
    first: float
    letters: str
    by_case: int | None = None


class CriticalDifference(NamedTuple):
    """Contents of a critical-difference diagram (Demsar 2006) of the ranked rows.

    metric: per-case metric; n: subjects; mean_ranks: (label, mean rank over subjects), best first; difference:
    Nemenyi's critical difference, None with fewer than two rows or subjects; p: Friedman test, None with fewer than
    three rows; cliques: maximal sets of labels whose mean ranks differ by less than `difference`.
    """

    metric: str
    n: int
    mean_ranks: tuple[tuple[str, float], ...]
    difference: float | None
    p: float | None
    cliques: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scheme:
    """Settings of all intervals, tests and rankings: together with the runs they reproduce every statistic.

    draws, seed: number and seed of the patient resamples; alpha: significance level, 1 - alpha the coverage of the
    intervals; flips: random sign flips of a paired test; exact: all sign flips are used up to this number of subjects.
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
