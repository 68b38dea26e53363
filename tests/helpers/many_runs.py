"""Summaries of many simulated runs, for tests and benchmarks of large tables."""

from collections.abc import Iterator

import numpy as np

from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue, RunSummary
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means

PATIENTS = 30
IDS = [f"case{i:03d}" for i in range(PATIENTS)]


def simulated_runs(methods: int, datasets: int = 10, seeds: int = 10) -> Iterator[RunSummary]:
    """Runs of methods of different quality, all on the same patients."""
    rng = np.random.default_rng(1)
    patients = rng.normal(0, 0.15, (datasets, PATIENTS))
    for i, quality in enumerate(rng.uniform(0.2, 0.7, methods)):
        for seed in range(seeds):
            values = quality + patients + rng.normal(0, 0.02) + rng.normal(0, 0.05, patients.shape)
            yield RunSummary(
                f"p/m{i:03d}/seed{seed}", "complete", f"m{i:03d}", {}, seed, "p", "f", {}, "ap.pooled", "ixi",
                {f"set{d}": _results(row, rng) for d, row in enumerate(values)}, baseline=i == 0,
            )  # fmt: skip


def _results(values: np.ndarray, rng: np.random.Generator) -> DatasetResults:
    """One test dataset: two per-case metrics, three pooled ones, bootstrap draws of the primary one."""
    mean, dice = float(values.mean()), np.clip(values + rng.normal(0, 0.05, PATIENTS), 0, 1)
    numbers = {
        ("all", name): MetricValue(mean, PATIENTS, 0) for name in ("ap.pooled", "ap.case", "auroc.pooled")
    }
    numbers |= {("all", "dice@tune"): MetricValue(float(dice.mean()), PATIENTS, 0)}
    cases = {
        "ap": dict(zip(IDS, values.tolist(), strict=True)),
        "dice@tune": dict(zip(IDS, dice.tolist(), strict=True)),
    }
    draws = {("all", "ap.pooled"): bootstrap_means(values, 1000)}
    return DatasetResults("ids", "fit", "{}", PATIENTS, 0, numbers, cases, draws)
