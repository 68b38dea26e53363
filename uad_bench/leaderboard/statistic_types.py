"""Data types of the statistics of a table, and the settings they are computed with. Field names are those in JSON."""

from dataclasses import dataclass
from typing import NamedTuple

from uad_bench.evaluate.curves import bootstrap


class Contrast(NamedTuple):
    """Paired difference between a row and a reference row `other` in the per-case metric `metric` over `n` subjects.

    difference: this row minus `other`; low, high: its 95 % confidence interval over seeds and subjects; p_seeds: t
    test over seeds and subjects; p_holm: the same after Holm's correction over all pairs of the table; p_equal: two
    one-sided tests that the difference lies within ± `Scheme.delta`, after the same correction, None also where one of
    both rows lacks the value of a case that another row has; p, p_wilcoxon:
    sign-flip permutation test and Wilcoxon signed-rank test over subjects, given the trained models, uncorrected (a p
    of 1 / (flips + 1) means "at most"). None where it cannot be computed.
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
    p_seeds: float | None = None
    p_equal: float | None = None


class RankStatistics(NamedTuple):
    """Uncertainty of a rank over bootstrap resamples of the patients.

    low, high: 95 % percentile interval of the rank; first: share of resamples in which the row ranks first;
    letters: compact letter display of `Contrast.p_holm`, rows that share a letter do not differ significantly ("a",
    "ab"; "a1" follows "z");
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
    intervals; flips: random sign flips of a paired test; exact: all sign flips are used up to this number of subjects;
    delta: rows whose difference lies within ± delta are called equivalent; patients: a table of fewer patients shows
    values only, without ranks, intervals and tests.
    """

    draws: int = bootstrap.DRAWS
    seed: int = bootstrap.SEED
    alpha: float = 0.05
    flips: int = 200_000
    exact: int = 18
    delta: float = 0.02
    patients: int = 10
    interval: str = (
        "two-way (seeds x patients) variance components, t quantile with fewer degrees of freedom for heavy tails, on "
        "the logit scale of the metric's declared range, where both ends are finite, such as [0, 1]"
    )
    test: str = "t test over seeds and patients, variances over seeds moderated across rows"
    flip_test: str = "paired sign-flip permutation"
    correction: str = "Holm"
    ranking: str = "aggregate, then rank"


SCHEME = Scheme()
