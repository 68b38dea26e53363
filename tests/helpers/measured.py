"""Simulated results of one run on one test dataset, in which the pooled metric is the mean over cases."""

import numpy as np

from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means

IDS = [f"case{i:02d}" for i in range(24)]
POOLED, CASE = ("all", "ap.pooled"), ("all", "ap.case")


def measured(seed, mean, sd=0.02, undefined=None):
    """Average precision around `mean` of 24 patients, the same for all seeds; `undefined`: a case without a value."""
    patients = np.random.default_rng(99).normal(0, 0.05, len(IDS))
    values = mean + patients + np.random.default_rng(seed).normal(0, sd, len(IDS))
    by_case = {one: None if one == undefined else float(v) for one, v in zip(IDS, values, strict=True)}
    known = sum(value is not None for value in by_case.values())
    number = MetricValue(float(values.mean()), known, len(IDS) - known)
    draws = {POOLED: bootstrap_means(values, 1000)}
    return DatasetResults(
        "ids", "fit", "{}", len(IDS), 0, {POOLED: number, CASE: number}, {"ap": by_case}, draws
    )
