"""Simulated results of runs on one test dataset, in which the pooled metric is the mean over cases."""

import csv
import gzip

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


def simulated_runs(make_run, measured_csv, test, metric):
    """Runs of the methods of a published board's track `healthy`.

    They have its numbers of seeds and cases, means and deviations over seeds. The values of patients are drawn:
    skewed, positive, and shared in part by all methods.
    """
    with gzip.open(measured_csv, "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["origin"] == "measured" and row["test"] == test
                and (row["group"], row["metric"], row["track"]) == ("all", metric, "healthy")]  # fmt: skip
    rng = np.random.default_rng(5)
    ids = [f"case{i:02d}" for i in range(int(rows[0]["n"]))]
    shared = rng.gamma(0.6, size=len(ids))
    for row in rows:
        patients = 0.5 * shared + 0.5 * rng.gamma(0.6, size=len(ids))
        for seed in range(int(row["seeds"])):
            target = float(row["mean"]) + float(row["sd"] or 0) * rng.normal()
            scans = 1 if row["deterministic"] == "1" else rng.lognormal(0, 0.2, len(ids))
            values = (target if row["sd"] else float(row["mean"])) * patients * scans / patients.mean()
            number = {("all", metric): MetricValue(float(values.mean()), len(ids), 0)}
            cases = {metric.partition(".")[0]: dict(zip(ids, values.tolist(), strict=True))}
            results = {test: DatasetResults("ids", "fit", "{}", len(ids), 0, number, cases)}
            yield make_run(row["method"], seed, results=results, primary=metric, null=row["null"] == "1",
                           baseline=row["baseline"] == "1", deterministic=row["deterministic"] == "1")  # fmt: skip
