"""What a Slurm job adds to its command: CPU seconds and wall-clock seconds, compared with the command by hand.

    python -m benchmarks.submitted [--times 5]

A job starts Python with submitit, reads its pickle, starts the command as a child (here `uad-bench list`), and writes
down how it ended. No Slurm is needed: its start of a step is not measured (`time srun true` measures it). On a busy
machine the CPU seconds count; the minimum of several times is the result.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    command = [sys.executable, "-m", "uad_bench", "list"]
    with tempfile.TemporaryDirectory() as folder:
        job = [sys.executable, "-u", "-m", "submitit.core._submit", folder]
        hand = min(measured(command) for _ in range(times))
        job_ = min(_as_job(job, Path(folder)) for _ in range(times))
    print("| | processor, s | wall, s |\n|---|---|---|")
    for name, (cpu, wall) in {"by hand": hand, "as a job": job_}.items():
        print(f"| {name} | {cpu:.2f} | {wall:.2f} |")
    print(f"| difference | {job_[0] - hand[0]:.2f} | {job_[1] - hand[1]:.2f} |")


def _as_job(words: Sequence[str], folder: Path) -> tuple[float, float]:
    from submitit.core.utils import DelayedSubmission

    from uad_bench.engines.slurm_job import SlurmJob

    DelayedSubmission(SlurmJob(["list"], str(folder / "ended.json"), 10.0)).dump(folder / "1_submitted.pkl")
    return measured(words)


def measured(words: Sequence[str]) -> tuple[float, float]:
    """Seconds of the processor and wall-clock seconds of a command with all that it starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(words, env={**os.environ, **VARIABLES}, check=True, capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


if __name__ == "__main__":
    main()
