"""Coverage of 95 % confidence intervals in simulations: the printed interval and simpler alternatives.

    OMP_NUM_THREADS=1 python -m benchmarks.coverage --draws 8000

Scores of seeds by patients are drawn from a two-way layout with known mean: patients' sd 0.2, interaction sd 0.03,
seeds' sd as in the table. Each draw is one experiment with its own interval; the share of intervals that contain the
mean is printed as Markdown, for means over cases and, through bootstrap draws, for pooled metrics. All intervals here
are symmetric, since the scores are normal and not bounded; `benchmarks.inference` has those on the logit scale. The
table also has simpler intervals and two other rules for its quantile: Satterthwaite's degrees of freedom, and the
plain share of the seeds in the variance (Cochran and Cox). The second table
has settings in which coverage is not guaranteed: two seeds, and a pooled metric in which few patients have most of the
weight (log-normal weights, sigma 0.9: five of 30 patients have 45 % of the weight; in MSLUB they have 44 % of the
lesion voxels). The third table has folds with several seeds: folds' sd 0, 0.02 or 0.04, seeds' sd 0.03 within folds.
The fourth table has subjects with one to three cases each, with an sd of 0.05 between the cases of a subject. The
fifth has differences of two methods where subjects have very different numbers of cases.
"""

import argparse
import itertools

import numpy as np
from scipy.stats import norm, t

from tests.helpers.simulations import (
    Floats,
    clustered_covers,
    components,
    coverage,
    pair_of_methods,
    share_within,
    simulate,
    simulate_folds,
)
from uad_bench.leaderboard.statistics.intervals import Quantiles, t_interval_half_width
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means, two_way_bootstrap
from uad_bench.leaderboard.statistics.variance_components import VarianceComponents, components_from_bootstrap

#: Numbers of folds and of seeds in each.
FOLDS = ((2, 3), (3, 1), (3, 3), (5, 1), (5, 3))
#: Numbers of patients and seeds, and sd over seeds, for which coverage is required.
SETTINGS = tuple(itertools.product((20, 288), (3, 5), (0.01, 0.03, 0.05)))

#: Cases of each subject, by name.
VISITS = {
    "12: 1 with 60, 11 with 1": [60, *[1] * 11],
    "12: 2 with 12, 10 with 1": [12, 12, *[1] * 10],
    "20: 4 each with 1 to 5": [1, 2, 3, 4, 5] * 4,
    "75: 45 with 1, 20 with 2, 10 with 3": [*[1] * 45, *[2] * 20, *[3] * 10],
}


def main() -> None:
    """Simulate and print five tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=8000, help="experiments per line")
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    options = parser.parse_args()
    for name, table in TABLES.items():
        if options.only in {None, name}:
            table(options.draws)


def within(draws: int) -> None:
    """The first table: settings for which coverage is required."""
    print("| patients | seeds | sd over seeds | two-way, t | two-way, t, pooled metric | Satterthwaite | plain share "
          "| seeds only, t | patients only, bootstrap | two-way bootstrap | two-way, normal |")  # fmt: skip
    print("|---" * 11 + "|")
    for n, seeds, sd in SETTINGS:
        values = simulate(np.random.default_rng([n, seeds, round(100 * sd)]), draws, n, seeds, sd)
        shares = [coverage(values), *_alternatives(values)]
        print(f"| {n} | {seeds} | {sd} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


def beyond(draws: int) -> None:
    """The second table: two seeds, and a pooled metric with skewed weights."""
    print(
        "\n| patients | seeds | sd over seeds | two seeds | pooled metric, skewed weights |\n|---|---|---|---|---|"
    )
    for n, seeds, sd in SETTINGS:
        rng = np.random.default_rng([n, seeds, round(100 * sd), 1])
        two = f"{coverage(simulate(rng, draws, n, 2, sd)):.3f}" if seeds == 3 else ""
        values, weights = simulate(rng, draws, n, seeds, sd), rng.lognormal(0, 0.9, (draws, n))
        skewed = np.mean(list(map(_weighted_covers, values, weights)))
        print(f"| {n} | {seeds} | {sd} | {two} | {skewed:.3f} |", flush=True)


def folded(draws: int) -> None:
    """The third table: fold means as replicates, and the same runs taken as independent seeds."""
    print(
        "\n| patients | folds | seeds | sd over folds | folds as replicates | runs as seeds |\n"
        + "|---" * 6
        + "|"
    )
    for n, (folds, seeds), sd in itertools.product((20, 288), FOLDS, (0.0, 0.02, 0.04)):
        values = simulate_folds(
            np.random.default_rng([n, folds, seeds, round(100 * sd)]), draws, n, (folds, seeds), sd
        )
        shares = [coverage(values.mean(2)), coverage(values.reshape(draws, folds * seeds, n))]
        print(f"| {n} | {folds} | {seeds} | {sd} | {shares[0]:.3f} | {shares[1]:.3f} |", flush=True)


def sessions(draws: int) -> None:
    """The fourth table: several cases per subject, clustered by subject and taken as independent patients."""
    print("\n| subjects | seeds | clustered by subject | cases as independent |\n|---|---|---|---|")
    for n, seeds in itertools.product((20, 100), (1, 3)):
        rng = np.random.default_rng([n, seeds])
        covered = np.mean([clustered_covers(rng, rng.integers(1, 4, n), seeds) for _ in range(draws)], axis=0)
        print(f"| {n} | {seeds} | {covered[0]:.3f} | {covered[1]:.3f} |", flush=True)


def visits(draws: int) -> None:
    """The fifth table: claims of equal methods, intervals of a difference of 0.05, and of the mean of a method."""
    print(
        "\n| subjects: cases of each | claims of equal methods | the same, influence values | difference covered "
        "| the same, influence values | mean covered |\n" + "|---" * 6 + "|"
    )
    for name, cases in VISITS.items():
        equal, apart = (
            np.mean(
                [pair_of_methods(np.random.default_rng([i, len(cases)]), cases, true) for i in range(draws)],
                axis=0,
            )
            for true in (0.0, 0.05)
        )
        rng = np.random.default_rng(len(cases))
        mean = np.mean([clustered_covers(rng, cases, 3)[0] for _ in range(draws)])
        shares = (equal[0, 0], equal[1, 0], apart[0, 1], apart[1, 1], mean)
        print(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


TABLES = {"within": within, "beyond": beyond, "folds": folded, "sessions": sessions, "visits": visits}


def _weighted_covers(values: Floats, weights: Floats) -> bool:
    """Whether the interval of a pooled ratio contains 0; values (seeds, patients), weights (patients,)."""
    draws = bootstrap_means(values * weights, 1000) / bootstrap_means(weights[None], 1000)
    pooled = values @ weights / weights.sum()
    half = t_interval_half_width(components_from_bootstrap(pooled, draws, np.array(float(len(weights)))))
    return bool(abs(pooled.mean()) <= half)


def _alternatives(values: Floats) -> list[float]:
    """Coverage of the alternatives, in the order of the columns of the first table."""
    (_, seeds, _), mean, parts = values.shape, values.mean((1, 2)), components(values)
    pooled, patients, both = zip(*(_bootstrap_covers(i, one) for i, one in enumerate(values)), strict=True)
    of_seeds = t.ppf(0.975, seeds - 1) * np.sqrt(parts.seeds)
    error = np.sqrt(parts.variance[0])
    quantiles = (_satterthwaite(parts), Quantiles.of(parts, 0.05).at(1))
    rules = [share_within(mean, quantile * error) for quantile in quantiles]
    return [float(np.mean(pooled)), *rules, share_within(mean, of_seeds), float(np.mean(patients)),
            float(np.mean(both)), share_within(mean, norm.ppf(0.975) * error)]  # fmt: skip


def _satterthwaite(parts: VarianceComponents) -> Floats:
    """The t quantile with Satterthwaite's degrees of freedom of the variance of the mean."""
    seeds = np.maximum(parts.seeds - parts.interaction, 0)
    df = (parts.patients + seeds) ** 2 / (parts.patients**2 / parts.patients_df + seeds**2 / parts.df)
    return np.asarray(t.ppf(0.975, df))


def _bootstrap_covers(number: int, values: Floats) -> tuple[bool, bool, bool]:
    """Whether the pooled, patients-only and two-way bootstrap intervals contain 0; values (seeds, patients)."""
    draws = bootstrap_means(values, 1000)
    n = np.array(float(values.shape[1]))
    half = float(t_interval_half_width(components_from_bootstrap(values.mean(1), draws, n)))
    ends = [np.quantile(one, (0.025, 0.975)) for one in (draws.mean(0), two_way_bootstrap(draws, number))]
    patients, both = (bool(low <= 0 <= high) for low, high in ends)
    return abs(values.mean()) <= half, patients, both


if __name__ == "__main__":
    main()
