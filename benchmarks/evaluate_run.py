"""CPU time of the whole evaluation of a finished run: maps read and post-processed, thresholds, metrics, figures.

    OMP_NUM_THREADS=1 python -m benchmarks.evaluate_run RUN [--workers 2]

RUN: the directory of a run with stored maps, which is not changed: a copy is evaluated twice, the first time with the
import of the drawing library. Prints a Markdown line; "same bits": the tables and resamples of the copy are those of
the run.
"""

import argparse
import resource
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from uad_bench.cohort.discovery import Sources, default_cache
from uad_bench.cohort.gather import gather
from uad_bench.cohort.roles import Plan
from uad_bench.pipeline.evaluate_run import evaluate_run
from uad_bench.results.run_cases import sources_of
from uad_bench.results.run_directory import RunDir

RESULTS = ("cases.csv", "metrics.csv", "thresholds.csv", "draws.npz")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--workers", type=int, default=1, help="processes, for large test sets")
    options = parser.parse_args()
    print("| cases | workers | CPU s | with imports, CPU s | same bits |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        copy = RunDir(Path(folder) / options.run.resolve().name)
        shutil.copytree(options.run, copy.path)
        print(row(RunDir(options.run), copy, options.workers))


def row(run: RunDir, copy: RunDir, workers: int) -> str:
    """The line of a run, evaluated in a copy of its directory."""
    spec = run.spec()
    here = replace(sources_of(run, Sources(default_cache())), skip_missing=True, skip_broken=True)
    cohort = gather(spec, here, Plan(allow_leak=True))
    seconds = []
    for _ in range(2):
        for name in RESULTS:
            (copy.path / name).unlink()
        began = _cpu_seconds()
        evaluate_run(copy, spec, cohort, workers=workers)
        seconds.append(_cpu_seconds() - began)
    same = all((run.path / name).read_bytes() == (copy.path / name).read_bytes() for name in RESULTS)
    cells = [str(len(cohort.scored)), str(workers), f"{min(seconds):.1f}", f"{seconds[0]:.1f}"]
    return f"| {' | '.join(cells)} | {'yes' if same else 'NO'} |"


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    main()
