"""What a Slurm job adds to its command: CPU seconds and wall-clock seconds, compared with the command by hand.

    python -m benchmarks.submitted [--times 5]
    python -m benchmarks.submitted --slurm [--times 2] [--method ae] [--steps 20]

The first command needs no Slurm. A job starts Python with submitit, reads its pickle, starts the command as a child
(here `uad-bench list`), and writes down how it ended. Slurm's start of a step is not measured (`time srun true`
measures it). On a busy machine the CPU seconds count; the minimum of several times is the result.

The second command submits a small run by `uad-bench run ... --on slurm` to the Slurm of this machine, and carries out
the same run by hand, in turn. The cohort is prepared before. The job of the run is counted from the end of the job
before it, so that what Slurm takes to begin it counts; its command is that of `--only 0`, without tables. Exit code 2
where there is no Slurm; `scripts/slurm-node up FOLDER` starts one.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.small import on_slurm, runs
from benchmarks.small.runs import Spent, measured

#: What Slurm tells a job.
VARIABLES = {
    "SUBMITIT_EXECUTOR": "slurm",
    "SLURM_JOB_ID": "1",
    "SLURM_NTASKS": "1",
    "SLURM_JOB_NUM_NODES": "1",
    "SLURM_NODEID": "0",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_JOB_NODELIST": "localhost",
}


def main() -> None:
    """Print one Markdown row per way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument(
        "--slurm", action="store_true", help="submit a small run to the Slurm of this machine"
    )
    parser.add_argument("--method", default="ae")
    parser.add_argument("--steps", type=int, default=20)
    typed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if typed.slurm:
            _on_slurm(typed, Path(folder))
        else:
            _without_slurm(typed.times, Path(folder))


def _without_slurm(times: int, folder: Path) -> None:
    command = [sys.executable, "-m", "uad_bench", "list"]
    job = [sys.executable, "-u", "-m", "submitit.core._submit", str(folder)]
    hand = _least([measured(command, VARIABLES) for _ in range(times)])
    job_ = _least([_as_job(job, folder) for _ in range(times)])
    print("| | processor, s | wall, s |\n|---|---|---|")
    for name, spent in {"by hand": hand, "as a job": job_}.items():
        print(f"| {name} | {spent.cpu:.2f} | {spent.wall:.2f} |")
    print(f"| difference | {job_.cpu - hand.cpu:.2f} | {job_.wall - hand.wall:.2f} |")


def _least(found: Sequence[Spent]) -> Spent:
    return min(found, key=lambda one: (one.cpu, one.wall))


def _as_job(words: Sequence[str], folder: Path) -> Spent:
    from submitit.core.utils import DelayedSubmission

    from uad_bench.engines.slurm_job import SlurmJob

    DelayedSubmission(SlurmJob(["list"], str(folder / "ended.json"), 10.0)).dump(folder / "1_submitted.pkl")
    return measured(words, VARIABLES)


def _on_slurm(typed: argparse.Namespace, folder: Path) -> None:
    """Both ways in turn, the minimum of each part. Raises SystemExit where there is no Slurm or the bits differ."""
    if why := on_slurm.why_not():
        print(why, file=sys.stderr)
        raise SystemExit(2)
    os.environ.setdefault("UAD_BENCH_CACHE", str(folder / "cache"))
    os.environ["OMP_NUM_THREADS"] = "1"
    runs.prepare()
    hand, whole, jobs = [], [], []
    for _ in range(typed.times):
        for spent, place, more in ((hand, "hand", ["--only", "0"]), (whole, "whole", [])):
            shutil.rmtree(folder / place, ignore_errors=True)
            spent.append(measured(runs.command(typed.method, typed.steps, 1, folder / place, *more)).wall)
        jobs.append(on_slurm.submitted(typed.method, typed.steps, folder))
        files = runs.require_equal(folder / "hand", folder / "runs")
    print(_table(min(hand), min(whole), jobs))
    print(f"\n`{typed.method}`, {typed.steps} steps; {files} of {files} digests equal")


def _table(hand: float, whole: float, jobs: Sequence[on_slurm.Submitted]) -> str:
    job, table = min(one.queued + one.job for one in jobs), min(one.board for one in jobs)
    rows = {
        "the run by hand": hand,
        "its job, from the end of the job before it": job,
        "**difference**": job - hand,
        "of it, until Slurm has begun the job": min(one.queued for one in jobs),
        "the whole command by hand, with its table": whole,
        "the whole matrix submitted, until the table is written": table,
        "difference: submission, a job that prepares, one that writes the table": table - whole,
        "of it, the submitting command": min(one.command for one in jobs),
    }
    return "\n".join(
        ["| | wall s |\n|---|---|", *(f"| {name} | {value:.2f} |" for name, value in rows.items())]
    )


if __name__ == "__main__":
    main()
