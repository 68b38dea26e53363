"""How often 95 % intervals hold the truth: the printed one, and simpler ones that do not.

    OMP_NUM_THREADS=1 python -m benchmarks.coverage --draws 8000

Scores of seeds by patients are drawn from a two-way layout whose mean is known: patients' sd 0.2, interaction sd 0.03,
seeds' sd as in the table. Each draw is an experiment with an interval of its own; the share that holds the mean is
printed as Markdown, for numbers that are means over cases and, through bootstrap draws, for pooled ones. A second table
has what is beyond the bar: two seeds, and a pool in which few patients weigh most (log-normal weights, sigma 0.9, with
which five of 30 patients have 45 % of the weight; in MSLUB they have 44 % of the lesion voxels). A third one has folds
with seeds in each: folds' sd 0, 0.02 or 0.04, and seeds' sd 0.03 within them; a fourth one has subjects with one
to three cases each, which differ by an sd of 0.05.
"""

import argparse
import itertools

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

from uad_bench.leaderboard.statistics.clusters import influence
from uad_bench.leaderboard.statistics.intervals import (
    Parts,
    half_width,
    of_cases,
    of_draws,
    patient_draws,
    two_way,
)

Floats = npt.NDArray[np.float64]
PATIENT_SD, BOTH_SD = 0.2, 0.03
#: Numbers of folds and of seeds in each, and the sd of those seeds.
FOLDS, SEED_SD = ((2, 3), (3, 1), (3, 3), (5, 1), (5, 3)), 0.03
#: The sd of a subject's cases about each other.
SESSION_SD = 0.05
#: The patients, seeds and sd over seeds that the interval has to hold for.
SETTINGS = tuple(itertools.product((20, 288), (3, 5), (0.01, 0.03, 0.05)))


def main() -> None:
    """Simulate, print four tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=8000)
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    options = parser.parse_args()
    for name, table in TABLES.items():
        if options.only in {None, name}:
            table(options.draws)


def within(draws: int) -> None:
    """The first table."""
    print("| patients | seeds | sd over seeds | printed | printed, pooled | seeds only, t | patients only, bootstrap "
          "| two-way bootstrap | two-way, no t |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for n, seeds, sd in SETTINGS:
        values = simulate(np.random.default_rng([n, seeds, round(100 * sd)]), draws, n, seeds, sd)
        shares = [covered(values), *_shares(values)]
        print(f"| {n} | {seeds} | {sd} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


def beyond(draws: int) -> None:
    """The second table."""
    print(
        "\n| patients | seeds | sd over seeds | two seeds | pool of skewed weights |\n|---|---|---|---|---|"
    )
    for n, seeds, sd in SETTINGS:
        rng = np.random.default_rng([n, seeds, round(100 * sd), 1])
        two = f"{covered(simulate(rng, draws, n, 2, sd)):.3f}" if seeds == 3 else ""
        values, weights = simulate(rng, draws, n, seeds, sd), rng.lognormal(0, 0.9, (draws, n))
        print(
            f"| {n} | {seeds} | {sd} | {two} | {np.mean(list(map(_weighted_holds, values, weights))):.3f} |",
            flush=True,
        )


def folded(draws: int) -> None:
    """The third table: the folds' means are the replicates; beside it the same runs taken for so many seeds."""
    print(
        "\n| patients | folds | seeds | sd over folds | printed | each run a seed |\n|---|---|---|---|---|---|"
    )
    for n, (folds, seeds), sd in itertools.product((20, 288), FOLDS, (0.0, 0.02, 0.04)):
        values = simulate_folds(
            np.random.default_rng([n, folds, seeds, round(100 * sd)]), draws, n, (folds, seeds), sd
        )
        shares = [covered(values.mean(2)), covered(values.reshape(draws, folds * seeds, n))]
        print(f"| {n} | {folds} | {seeds} | {sd} | {shares[0]:.3f} | {shares[1]:.3f} |", flush=True)


def sessions(draws: int) -> None:
    """The fourth table: subjects with one to three cases, put together, and each case taken for a patient."""
    print("\n| subjects | seeds | printed | each case a patient |\n|---|---|---|---|")
    for n, seeds in itertools.product((20, 100), (1, 3)):
        rng = np.random.default_rng([n, seeds])
        held = np.mean([sessions_hold(rng, n, seeds) for _ in range(draws)], axis=0)
        print(f"| {n} | {seeds} | {held[0]:.3f} | {held[1]:.3f} |", flush=True)


def sessions_hold(rng: np.random.Generator, n: int, seeds: int) -> tuple[bool, bool]:
    """Whether the interval of an experiment holds 0, cases put together by subject, and not."""
    which = np.repeat(np.arange(n), rng.integers(1, 4, n))
    a = rng.normal(0, 0.01, (seeds, 1)) if seeds > 1 else 0.0  # one seed promises nothing about others
    b = rng.normal(0, PATIENT_SD, n)[which]
    values = a + b + rng.normal(0, SESSION_SD, which.size) + rng.normal(0, BOTH_SD, (seeds, which.size))
    halves = [half_width(_parts(one[None]))[0] for one in (influence(values, which), values)]
    first, second = (bool(abs(values.mean()) <= half) for half in halves)
    return first, second


TABLES = {"within": within, "beyond": beyond, "folds": folded, "sessions": sessions}


def simulate_folds(rng: np.random.Generator, draws: int, n: int, shape: tuple[int, int], sd: float) -> Floats:
    """Experiments of `shape` (folds, seeds) whose true mean is 0, (draws, folds, seeds, n)."""
    folds, seeds = shape
    a, b = rng.normal(0, sd, (draws, folds, 1, 1)), rng.normal(0, SEED_SD, (draws, folds, seeds, 1))
    patients = rng.normal(0, PATIENT_SD, (draws, 1, 1, n))
    return np.asarray(a + b + patients + rng.normal(0, BOTH_SD, (draws, folds, seeds, n)))


def _weighted_holds(values: Floats, weights: Floats) -> bool:
    """Whether the interval of a pooled ratio holds 0; values (seeds, patients), weights (patients,)."""
    draws = patient_draws(values * weights, 1000) / patient_draws(weights[None], 1000)
    pooled = values @ weights / weights.sum()
    return bool(abs(pooled.mean()) <= half_width(of_draws(pooled, draws, np.array(float(len(weights))))))


def simulate(rng: np.random.Generator, draws: int, n: int, seeds: int, sd: float) -> Floats:
    """Experiments whose true mean is 0, (draws, seeds, n)."""
    a, b = rng.normal(0, sd, (draws, seeds, 1)), rng.normal(0, PATIENT_SD, (draws, 1, n))
    return np.asarray(a + b + rng.normal(0, BOTH_SD, (draws, seeds, n)))


def covered(values: Floats) -> float:
    """The share of experiments whose printed interval holds 0."""
    return _holds(values.mean((1, 2)), half_width(_parts(values)))


def _parts(values: Floats) -> Parts:
    return of_cases(values, np.ones((len(values), values.shape[-1]), bool))


def _holds(mean: Floats, half: Floats) -> float:
    return float(np.mean(np.abs(mean) <= half))


def _shares(values: Floats) -> list[float]:
    """The same for the pooled form, seeds alone, patients alone, both by plain resampling, both without t."""
    (_, seeds, _), mean, parts = values.shape, values.mean((1, 2)), _parts(values)
    pooled, patients, both = zip(*(_by_resampling(i, one) for i, one in enumerate(values)), strict=True)
    of_seeds = t.ppf(0.975, seeds - 1) * np.sqrt(parts.seeds)
    plain = norm.ppf(0.975) * np.sqrt(parts.patients + np.maximum(parts.seeds - parts.both, 0))
    return [float(np.mean(pooled)), _holds(mean, of_seeds), float(np.mean(patients)), float(np.mean(both)),
            _holds(mean, plain)]  # fmt: skip


def _by_resampling(number: int, values: Floats) -> tuple[bool, bool, bool]:
    """Whether the pooled, the patients-only and the two-way bootstrap interval hold 0; values (seeds, patients)."""
    draws = patient_draws(values, 1000)
    half = float(half_width(of_draws(values.mean(1), draws, np.array(float(values.shape[1])))))
    ends = [np.quantile(one, (0.025, 0.975)) for one in (draws.mean(0), two_way(draws, number))]
    first, second = (bool(low <= 0 <= high) for low, high in ends)
    return abs(values.mean()) <= half, first, second


if __name__ == "__main__":
    main()
