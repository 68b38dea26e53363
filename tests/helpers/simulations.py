"""Simulated scores whose true mean is 0, and how often a confidence interval covers it."""

import numpy as np
import numpy.typing as npt

from uad_bench.leaderboard.statistics.clusters import influence_values, subject_totals
from uad_bench.leaderboard.statistics.intervals import t_interval_half_width
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.variance_components import VarianceComponents, components_from_cases

Floats = npt.NDArray[np.float64]
#: Standard deviations of patients, of the interaction of seeds and patients, and of the cases within a subject.
PATIENT_SD, INTERACTION_SD, CASE_SD = 0.2, 0.03, 0.05
#: Standard deviation of the seeds within a fold.
SEED_SD = 0.03


def simulate(rng: np.random.Generator, experiments: int, patients: int, seeds: int, seed_sd: float) -> Floats:
    """Scores of the two-way layout, (experiments, seeds, patients)."""
    of_seeds = rng.normal(0, seed_sd, (experiments, seeds, 1))
    of_patients = rng.normal(0, PATIENT_SD, (experiments, 1, patients))
    return np.asarray(of_seeds + of_patients + rng.normal(0, INTERACTION_SD, (experiments, seeds, patients)))


def simulate_folds(
    rng: np.random.Generator, experiments: int, patients: int, shape: tuple[int, int], fold_sd: float
) -> Floats:
    """Scores of `shape` (folds, seeds), (experiments, folds, seeds, patients)."""
    folds, seeds = shape
    of_folds = rng.normal(0, fold_sd, (experiments, folds, 1, 1))
    of_seeds = rng.normal(0, SEED_SD, (experiments, folds, seeds, 1))
    of_patients = rng.normal(0, PATIENT_SD, (experiments, 1, 1, patients))
    interaction = rng.normal(0, INTERACTION_SD, (experiments, folds, seeds, patients))
    return np.asarray(of_folds + of_seeds + of_patients + interaction)


def coverage(values: Floats) -> float:
    """Share of experiments whose confidence interval contains 0; values (experiments, seeds, patients)."""
    return share_within(values.mean((1, 2)), t_interval_half_width(components(values)))


def components(values: Floats) -> VarianceComponents:
    """Variance components of each experiment."""
    return components_from_cases(values, np.ones((len(values), values.shape[-1]), bool))


def share_within(mean: Floats, half: Floats) -> float:
    """Share of means that are at most half an interval away from 0."""
    return float(np.mean(np.abs(mean) <= half))


def clustered_covers(rng: np.random.Generator, cases: npt.ArrayLike, seeds: int) -> tuple[bool, bool]:
    """Whether the interval of one experiment contains 0: cases clustered by subject, and cases taken as independent.

    cases: their number for each subject. A single seed has no seed effect, since its interval is over patients only.
    """
    subjects = len(np.asarray(cases))
    subject = np.repeat(np.arange(subjects), cases)
    of_seeds = rng.normal(0, 0.01, (seeds, 1)) if seeds > 1 else 0.0
    of_subjects = rng.normal(0, PATIENT_SD, subjects)[subject]
    of_cases = rng.normal(0, CASE_SD, subject.size)
    values = of_seeds + of_subjects + of_cases + rng.normal(0, INTERACTION_SD, (seeds, subject.size))
    found = (influence_values(values, subject), values)
    halves = [t_interval_half_width(components(one[None]))[0] for one in found]
    clustered, independent = (bool(abs(values.mean()) <= half) for half in halves)
    return clustered, independent


def pair_of_methods(rng: np.random.Generator, cases: npt.ArrayLike, true: float) -> list[tuple[bool, bool]]:
    """Whether a difference of two methods is claimed, and whether its interval contains the `true` mean difference.

    First with `subject_totals`, as in tables, then with `influence_values`. cases: their number for each subject.
    Subjects differ by PATIENT_SD, their differences by CASE_SD; three seeds.
    """
    subject = np.repeat(np.arange(len(np.asarray(cases))), cases)
    n = int(subject[-1]) + 1
    level, difference = rng.normal(0, PATIENT_SD, n)[subject], rng.normal(true, CASE_SD, n)[subject]
    one, other = (
        mean + rng.normal(0, INTERACTION_SD, (3, subject.size)) + rng.normal(0, 0.005, (3, 1))
        for mean in (level + difference, level)
    )
    found = (all_pairs([of(one, subject), of(other, subject)]) for of in (subject_totals, influence_values))
    return [
        (bool(pair.p[0, 1] <= 0.05), bool(abs(pair.difference[0, 1] - true) <= pair.half[0, 1]))
        for pair in found
    ]
