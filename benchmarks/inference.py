"""How often a leaderboard table claims what is false, and how often its intervals contain the truth.

    OMP_NUM_THREADS=1 python -m benchmarks.inference

The scores are those of no method: each patient has a difficulty that the methods share (Gaussian copula, correlation
0.7), which becomes an average precision by a skewed (beta 0.4, 3), a bimodal (80 % of patients near 0) or a moderate
(beta 2, 5) distribution, in [0, 1]; on the logit scale each seed moves a method as a whole, and each scan of a seed on
its own (sd 0.2). Where methods need equal means or a known difference, their scores are shifted, and a few of them
leave [0, 1]. All methods of a table have the same distribution, so that every difference that a table claims is false.
Prints four Markdown tables; docs/statistics.md has them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr

from uad_bench.leaderboard.statistic_types import SCHEME
from uad_bench.leaderboard.statistics.intervals import logit_interval, t_interval_half_width
from uad_bench.leaderboard.statistics.pairwise.all_pairs import all_pairs
from uad_bench.leaderboard.statistics.pairwise.multiple_comparisons import holm_correction
from uad_bench.leaderboard.statistics.pairwise.paired_tests import sign_flip_test
from uad_bench.leaderboard.statistics.variance_components import components_from_cases

Floats = npt.NDArray[np.float64]
SHARED, SCAN_SD, EDGE = 0.7, 0.2, 1e-6
#: An sd over seeds for each method of a table, in turn.
VARIED = (0.05, 0.1, 0.3)
#: Methods, patients, seeds, sd over seeds of tables of equal methods.
EQUAL = ((5, 10, 3, 0.1), (15, 10, 3, 0.3), (5, 30, 3, 0.1), (15, 30, 3, 0.1), (15, 30, 5, 0.3), (5, 100, 3, 0.3),
         (15, 100, 3, 0.1), (15, 100, 5, 0.2), (5, 100, 3, VARIED), (10, 50, 3, VARIED),
         (15, 100, 3, VARIED))  # fmt: skip
#: Patients, seeds, sd over seeds, and the delta of equivalence; the last two have the power to find equal methods.
EQUIVALENCE = ((10, 3, 0.1, 0.02), (30, 3, 0.2, 0.02), (100, 3, 0.1, 0.02), (100, 5, 0.3, 0.02),
               (100, 5, 0.1, 0.1), (1000, 5, 0.05, 0.02))  # fmt: skip


def quantiles(kind: str) -> Floats:
    """Sorted draws of an average precision: its quantile function, at 200,000 points."""
    rng, n = np.random.default_rng(7), 200_000
    if kind == "bimodal":
        found = np.where(rng.random(n) < 0.8, rng.beta(0.5, 20, n), rng.beta(6, 6, n))
    else:
        found = rng.beta(*{"skewed": (0.4, 3), "moderate": (2, 5)}[kind], n)
    return np.sort(np.clip(found, EDGE, 1 - EDGE))


KINDS = {kind: quantiles(kind) for kind in ("skewed", "bimodal", "moderate")}


class Setting:
    """Equal methods on n patients; seed_sd: on the logit scale, of all methods or of each in turn; correlation: of the
    seeds of a method."""

    def __init__(
        self,
        kind: str,
        methods: int,
        n: int,
        seeds: int,
        seed_sd: float | tuple[float, ...],
        correlation: float = 0.0,
    ):
        self.kind, self.methods, self.n, self.seeds = kind, methods, n, seeds
        self.seed_sd, self.correlation = seed_sd, correlation
        self.sds = np.resize(seed_sd, methods)

    def draw(self, rng: np.random.Generator, tables: int) -> Floats:
        """Scores (tables, methods, seeds, patients)."""
        shape = (tables, self.methods, 1, self.n)
        shared = rng.normal(size=(tables, 1, 1, self.n))
        z = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * rng.normal(size=shape)
        at = KINDS[self.kind]
        level = logit(at[np.minimum((ndtr(z) * len(at)).astype(int), len(at) - 1)])
        common = np.sqrt(self.correlation) * rng.normal(size=(tables, self.methods, 1, 1))
        own = np.sqrt(1 - self.correlation) * rng.normal(size=(tables, self.methods, self.seeds, 1))
        scans = rng.normal(0, SCAN_SD, (tables, self.methods, self.seeds, self.n))
        column = (self.methods, 1, 1)
        scores = expit(level + self.sds.reshape(column) * (common + own) + scans)
        # A wider sd over seeds moves the true mean a little: all methods get that of the first.
        return np.asarray(scores + np.reshape([self.mean() - self.mean(sd) for sd in self.sds], column))

    def mean(self, seed_sd: float | None = None) -> float:
        """The true mean over patients and seeds, of the first method or of one with another sd over seeds."""
        sd = float(self.sds[0]) if seed_sd is None else seed_sd
        seed = np.hypot(sd, SCAN_SD) * np.random.default_rng(8).normal(size=200_000)
        return float(expit(logit(KINDS[self.kind]) + seed).mean())


def false_claims(draws: int) -> Iterator[str]:
    """Share of tables of equal methods in which any pair is claimed to differ: now, and by the former rules."""
    yield "| distribution | methods | patients | seeds | sd over seeds | any claim | flips, all pairs | flips, best |"
    yield "|---" * 8 + "|"
    for kind in KINDS:
        for methods, n, seeds, sd in EQUAL:
            setting = Setting(kind, methods, n, seeds, sd)
            now, before, best = np.mean(_claims(setting, draws), axis=0)
            sds = ", ".join(map(str, sd)) if isinstance(sd, tuple) else sd
            yield f"| {kind} | {methods} | {n} | {seeds} | {sds} | {now:.3f} | {before:.3f} | {best:.3f} |"


def _claims(setting: Setting, draws: int) -> list[tuple[bool, bool, bool]]:
    rng, above = np.random.default_rng([setting.methods, setting.n]), np.triu_indices(setting.methods, 1)
    found = []
    for scores in setting.draw(rng, draws):
        now = all_pairs(list(scores)).different(SCHEME.alpha).any()
        averaged = scores.mean(1)
        t_given = _flips(averaged[above[0]] - averaged[above[1]])
        best = averaged.mean(1).argmax()
        to_best = _flips(np.delete(averaged, best, axis=0) - averaged[best])
        found.append((bool(now), t_given, to_best))
    return found


def _flips(differences: Floats) -> bool:
    """Whether the former rule claims any difference: sign flips of these trained models, Holm over these rows."""
    p = sign_flip_test(differences, replace(SCHEME, flips=20_000))
    return bool((holm_correction(p) <= SCHEME.alpha).any())


def shapes(draws: int) -> Iterator[str]:
    """False claims among methods of equal means and unequal distributions: two skewed, two moderate, one constant."""
    yield "| patients | any claim |"
    yield "|---" * 2 + "|"
    for n in (10, 20, 36, 100):
        rng, skewed, moderate = (
            np.random.default_rng(n),
            *(Setting(k, 2, n, 3, 0.2) for k in ("skewed", "moderate")),
        )
        tables = [skewed.draw(rng, draws), moderate.draw(rng, draws) - moderate.mean() + skewed.mean()]
        tables.append(skewed.mean() + 0.005 * rng.normal(size=(draws, 1, 3, n)))
        claims = [
            all_pairs(list(one)).different(SCHEME.alpha).any() for one in np.concatenate(tables, axis=1)
        ]
        yield f"| {n} | {np.mean(claims):.3f} |"


def coverage(draws: int) -> Iterator[str]:
    """Coverage of the interval of a mean: as printed, and the symmetric t interval of before."""
    yield "| distribution | patients | seeds | sd over seeds | correlation | printed | symmetric t | relative width |"
    yield "|---" * 8 + "|"
    for kind in KINDS:
        for n in (2, 5, 10, 12, 15, 20, 30, 100):
            yield _coverage(Setting(kind, 1, n, 3, 0.2), draws)
        yield _coverage(Setting(kind, 1, 30, 3, 0.2, 0.5), draws)


def _coverage(setting: Setting, draws: int) -> str:
    scores, truth = setting.draw(np.random.default_rng(setting.n), draws)[:, 0], setting.mean()
    parts = components_from_cases(scores, np.ones((draws, setting.n), bool))
    mean, half = scores.mean((1, 2)), t_interval_half_width(parts)
    plain = t_interval_half_width(parts._replace(df_patients=None))
    low, high = logit_interval(mean, half)
    printed, symmetric = (
        float(np.mean((a <= truth) & (truth <= b))) for a, b in ((low, high), (mean - plain, mean + plain))
    )
    width = float((high - low).mean() / (2 * plain).mean())
    return (
        f"| {setting.kind} | {setting.n} | {setting.seeds} | {setting.seed_sd} | {setting.correlation} | {printed:.3f} "
        f"| {symmetric:.3f} | {width:.2f} |"
    )


def differences(draws: int) -> Iterator[str]:
    """Coverage of the interval of a difference, false claims of equivalence where it is exactly delta, and the share of
    pairs that are found to be equivalent where it is 0."""
    yield (
        "| distribution | patients | seeds | sd over seeds | delta | interval of a difference | equivalent at delta "
        "| equivalent at 0 |"
    )
    yield "|---" * 8 + "|"
    for kind in KINDS:
        for n, seeds, sd, delta in EQUIVALENCE:
            found = list(_differences(Setting(kind, 5, n, seeds, sd), draws, delta))
            shares = " | ".join(f"{share:.3f}" for share in np.mean(found, axis=0))
            yield f"| {kind} | {n} | {seeds} | {sd} | {delta} | {shares} |"


def _differences(setting: Setting, draws: int, delta: float) -> Iterator[tuple[float, bool, float]]:
    above = np.triu_indices(setting.methods, 1)
    truth = delta * (above[0] == 0)
    shift = np.zeros((setting.methods, 1, 1))
    shift[0] = delta  # the first row is better than the others by delta
    for scores in setting.draw(np.random.default_rng(setting.n + 1), draws):
        pairs = all_pairs(list(scores + shift), replace(SCHEME, delta=delta))
        inside = np.abs(pairs.difference[above] - truth) <= pairs.half[above]
        equal = pairs.p_equal[above] <= SCHEME.alpha
        yield float(inside.mean()), bool(equal[truth > 0].any()), float(equal[truth == 0].mean())


TABLES = {
    "claims": (false_claims, 1),
    "shapes": (shapes, 1),
    "coverage": (coverage, 10),
    "differences": (differences, 1),
}


def main(given: Sequence[str] | None = None) -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=400, help="tables per line; ten times as many intervals")
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    options = parser.parse_args(given)
    for name, (table, times) in TABLES.items():
        if options.only in {None, name}:
            for line in table(options.draws * times):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
