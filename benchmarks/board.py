"""CPU time and memory of a leaderboard of finished runs at the full size of the datasets.

    OMP_NUM_THREADS=1 python -m benchmarks.board --runs 65

Writes run directories of 13 methods x 5 seeds to a temporary folder, with results on 1,251 + 30 test cases: the rows
that the protocol uad-2mm gives (metrics of each case at seven thresholds, 1,000 resamples of pooled metrics), without
maps and models. Then reads them, makes the tables, and renders Markdown. Seconds are user + system CPU of this process,
imports not included; peak is its resident memory. Limit: 30 s, 2 GiB.
"""

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from uad_bench.config import Protocol, RunSpec, load_protocol
from uad_bench.leaderboard.statistics.patient_bootstrap import bootstrap_means
from uad_bench.results import csv_tables, run_directory
from uad_bench.support.atomic_files import write_text

TESTS = {"brats21": (1251, "tumour"), "mslub": (30, "ms")}
SEEDS, RESAMPLES = 5, 1000
#: Per-case metrics of uad-2mm: without a threshold, and at each rule.
PLAIN = ("ap", "ap_gain", "auroc", "prevalence", "pauroc30", "sens_fpr05", "aupro30", "aupro05")
POOLED = ("ap", "auroc", "pauroc30")


def main() -> None:
    """Write runs, in a process of their own, then read and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=65)
    parser.add_argument("--share", type=float, default=1.0, help="of the test cases")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if (writer := os.fork()) == 0:  # its memory is not that of reading
            rows = write_runs(Path(name), options.runs, options.share)
            print(f"{options.runs} runs, {rows:,} rows in cases.csv of each", file=sys.stderr, flush=True)
            os._exit(0)
        assert os.waitpid(writer, 0)[1] == 0
        print(
            "| runs | read, CPU s | tables, CPU s | Markdown, CPU s | all, CPU s | peak, MiB |\n"
            + "|---" * 6
            + "|"
        )
        read, made, rendered = measured(Path(name), options.runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = read + made + rendered
    print(f"| {options.runs} | {read:.1f} | {made:.1f} | {rendered:.1f} | {total:.1f} | {peak:.0f} |")


def measured(folder: Path, runs: int) -> tuple[float, float, float]:
    """CPU seconds of the three parts of the verb `leaderboard`."""
    from uad_bench.leaderboard.aggregate import tables
    from uad_bench.leaderboard.collect import collect
    from uad_bench.leaderboard.render.render import render
    from uad_bench.results.find_runs import find_runs

    times = [time.process_time()]
    collected = collect(find_runs([folder]))
    assert len(collected.runs) == runs and not collected.refused, collected.refused
    times.append(time.process_time())
    found = tables(collected.runs)
    assert len(found) == len(TESTS)
    times.append(time.process_time())
    render(found, "markdown", [])
    times.append(time.process_time())
    read, made, rendered = np.diff(times)
    return float(read), float(made), float(rendered)


def write_runs(folder: Path, runs: int, share: float) -> int:
    """Write run directories; the number of rows in cases.csv of each."""
    protocol = load_protocol("uad-2mm")
    rows = 0
    for number in range(runs):
        rows = _write_run(folder, protocol, number, share)
    return rows


def _write_run(folder: Path, protocol: Protocol, number: int, share: float) -> int:
    method, seed = f"m{number // SEEDS:02d}", number % SEEDS
    spec = RunSpec(
        method=method, target="m:M", parameters={}, protocol=protocol, test=tuple(TESTS), seed=seed
    )
    run, names = run_directory.run_dir(folder, spec, "cohort"), _names(protocol)
    rng = np.random.default_rng(number)
    ids = {
        name: [f"{name}_{i:05d}" for i in range(max(3, round(n * share)))] for name, (n, _) in TESTS.items()
    }
    values = {name: rng.random((len(some), len(names))) for name, some in ids.items()}
    lines = [line for name in ids for line in _case_lines(name, ids[name], names, values[name])]
    run.write_spec(spec)
    run.write_table("splits.csv", csv_tables.SPLIT_COLUMNS, _splits(ids))
    write_text(run.path / "cases.csv", "\n".join([",".join(csv_tables.CASE_COLUMNS), *lines, ""]))
    numbers = [row for name in ids for row in _numbers(name, names, values[name])]
    run.write_table("metrics.csv", csv_tables.METRIC_COLUMNS, numbers)
    draws = bootstrap_means(rng.random(1000), RESAMPLES)
    run.write_draws({(name, "all", f"{metric}.pooled"): draws for name in ids for metric in POOLED})
    run.write_json("env.json", {"method": {}, "device": "cpu"})
    run.seal()
    run.set_state("complete", fit_s=1.0)
    return len(lines)


def _names(protocol: Protocol) -> list[str]:
    """The per-case metrics of the protocol by the names of the rows."""
    at_rules = [m for m in protocol.metrics if m not in PLAIN and not m.endswith("_q99")]
    return [*PLAIN, *(f"{m}@{rule}" for m in at_rules for rule in protocol.thresholds)]


def _case_lines(dataset: str, ids: list[str], names: list[str], values: np.ndarray) -> Iterator[str]:
    """Lines of cases.csv."""
    kind = TESTS[dataset][1]
    for case_id, row in zip(ids, values.tolist(), strict=True):
        yield from (f"{dataset},{case_id},{kind},{m},{v!r}," for m, v in zip(names, row, strict=True))


def _numbers(dataset: str, names: list[str], values: np.ndarray) -> Iterator[dict[str, object]]:
    """Rows of metrics.csv: means over all cases and over those of their kind; pooled metrics have the same value."""
    for name, mean in zip(names, values.mean(0).tolist(), strict=True):
        head, at, rule = name.partition("@")
        named = (
            [name]
            if at
            else [f"{head}.{word}" for word in ("case", "pooled") if word == "case" or head in POOLED]
        )
        for group in ("all", TESTS[dataset][1]):
            for metric in named:
                yield {"dataset": dataset, "group": group, "metric": metric, "value": mean, "n": len(values),
                       "undefined": 0, "reason": "", "oracle": rule.startswith("oracle"),
                       "higher_is_better": True}  # fmt: skip


def _splits(ids: dict[str, list[str]]) -> Iterator[dict[str, object]]:
    training = [("ixi", f"IXI{i:03d}", "train" if i < 404 else "val", True, "") for i in range(462)]
    test = [(name, one, "test", False, TESTS[name][1]) for name, some in ids.items() for one in some]
    for dataset, case_id, role, healthy, kind in [*training, *test]:
        content = hashlib.sha256(case_id.encode()).hexdigest()[:12]
        yield {"dataset": dataset, "case_id": case_id, "subject_id": case_id, "role": role, "healthy": healthy,
               "lesion_kind": kind, "content": content}  # fmt: skip


if __name__ == "__main__":
    main()
