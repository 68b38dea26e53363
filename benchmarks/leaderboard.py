"""CPU time of a large leaderboard, and of reading runs from disk.

    OMP_NUM_THREADS=1 python -m benchmarks.leaderboard

First, tables with all statistics are made of 500 methods, 10 datasets and 10 seeds (5,000 simulated runs, 50,000 test
sets of 30 patients), which takes about 1 GB; --datasets 1 makes one table of as many rows, --once leaves out the
second time in reverse order. Then 500 runs are read from a temporary folder: a split of 600 cases, 10 metrics on 60
test cases, bootstrap draws, a model of 2 MiB. Prints Markdown tables; seconds are user + system CPU of this process.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.helpers.many_runs import PATIENTS, simulated_runs
from uad_bench.config import Protocol, RunSpec, load_protocol
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import collect
from uad_bench.leaderboard.run_summary import RunSummary
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means
from uad_bench.results import csv_tables, run_directory

SEEDS, DATASETS = 10, 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--methods", type=int, default=500)
    parser.add_argument("--datasets", type=int, default=DATASETS)
    parser.add_argument("--once", action="store_true", help="not in reverse order too")
    parser.add_argument("--runs", type=int, default=500, help="runs on disk; 0: none")
    options = parser.parse_args()
    print(
        "| methods | datasets | seeds | patients | tables, CPU s | reverse order, CPU s | same bytes |\n"
        + "|---" * 7
        + "|"
    )
    runs = list(simulated_runs(options.methods, options.datasets, SEEDS))
    first, one = _timed(runs)
    second, same = "", ""
    if not options.once:
        seconds, two = _timed(runs[::-1])
        second, same = f"{seconds:.1f}", "yes" if one == two else "NO"
    print(
        f"| {options.methods} | {options.datasets} | {SEEDS} | {PATIENTS} | {first:.1f} | {second} | {same} |\n",
        flush=True,
    )
    if not options.runs:
        return
    print("| runs on disk | CPU ms a run |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        print(f"| {options.runs} | {1000 * on_disk(Path(folder), options.runs):.1f} |")


def _timed(runs: list[RunSummary]) -> tuple[float, str]:
    """CPU seconds, and a digest of the tables."""
    began = time.process_time()
    found = tables(runs)
    spent = time.process_time() - began
    return spent, hashlib.sha256(repr(found).encode()).hexdigest()


def on_disk(folder: Path, runs: int) -> float:
    """Mean CPU seconds to read a run, over `runs` runs."""
    protocol = load_protocol("uad-2mm")
    found = [_written(folder, protocol, seed) for seed in range(runs)]
    began = time.process_time()
    collected = collect(found)
    spent = time.process_time() - began
    assert len(collected.runs) == runs and not collected.refused
    return spent / runs


def _written(folder: Path, protocol: Protocol, seed: int) -> run_directory.RunDir:
    """A run directory of realistic size, without maps."""
    spec = RunSpec(
        method="ae", target="m:AE", parameters={"steps": 5}, protocol=protocol, test=("mslub",), seed=seed
    )
    run = run_directory.run_dir(folder, spec, "cohort")
    roles = ["train"] * 480 + ["val"] * 60 + ["test"] * 60
    subjects = [
        {"dataset": "mslub" if role == "test" else "ixi", "case_id": f"case{i:03d}", "role": role,
         "healthy": role != "test", "content": hashlib.sha256(b"%d" % i).hexdigest()}
        for i, role in enumerate(roles)
    ]  # fmt: skip
    scores = np.random.default_rng(seed).random((10, 60))
    cases = [
        {"dataset": "mslub", "case_id": f"case{540 + i:03d}", "metric": f"metric{m}", "value": float(scores[m, i])}
        for m in range(10) for i in range(60)
    ]  # fmt: skip
    numbers = [{"dataset": "mslub", "group": "all", "metric": f"metric{m}.case", "value": float(row.mean()), "n": 60,
                "undefined": 0} for m, row in enumerate(scores)]  # fmt: skip
    run.write_spec(spec)
    run.write_table("splits.csv", csv_tables.SPLIT_COLUMNS, subjects)
    run.write_table("cases.csv", csv_tables.CASE_COLUMNS, cases)
    run.write_table("metrics.csv", csv_tables.METRIC_COLUMNS, numbers)
    run.write_draws(
        {("mslub", "all", f"metric{m}.pooled"): bootstrap_means(scores[m], 1000) for m in range(3)}
    )
    run.write_json("env.json", {"method": {}, "device": "cpu"})
    (run.path / "model").mkdir()
    (run.path / "model" / "state.npz").write_bytes(bytes(2 * 2**20))
    run.seal()
    run.set_state("complete", fit_s=1.0)
    return run


if __name__ == "__main__":
    main()
