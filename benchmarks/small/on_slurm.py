"""A run as a job of a real Slurm, and the times at which its parts ended."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.small import runs
from uad_bench.engines import matrix_file
from uad_bench.support.atomic_files import read_json

#: One small job for each stage.
FILE = """
cpus: 1
memory_gib: 1.5
hours: 1
signal_seconds: 40
prepare: {jobs: 1, cpus: 1, memory_gib: 1.5}
board: {memory_gib: 1.5}
"""
STAGES: tuple[matrix_file.Stage, ...] = ("prepare", "run", "board")
#: Seconds to wait for a job.
MOST = 600.0


@dataclass(frozen=True)
class Submitted:
    """Wall-clock seconds of a submitted run.

    command: until the submitting command has ended; queued: from the end of the job that prepares until the job of the
    run began; job: from there until the run has ended; board: from the beginning of the command until the table is
    written.
    """

    command: float
    queued: float
    job: float
    board: float


def why_not() -> str:
    """Why no job can be submitted here, "" where one can."""
    missing = [tool for tool in ("sbatch", "srun", "squeue", "sinfo") if shutil.which(tool) is None]
    if missing:
        return f"no Slurm here: {', '.join(missing)} not on the PATH"
    try:
        nodes = subprocess.run(
            ["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=20, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return "no Slurm here: sinfo has no answer (SLURM_CONF; scripts/slurm-node up FOLDER starts one)"
    return "" if nodes.stdout.strip() else "no Slurm here: it has no node"


def submitted(method: str, steps: int, folder: Path) -> Submitted:
    """Submit one run to Slurm and wait for its table."""
    file, out = folder / "file.yaml", folder / "runs"
    file.write_text(FILE)
    shutil.rmtree(out, ignore_errors=True)
    began = time.time()
    runs.measured(runs.command(method, steps, 1, out, "--on", f"slurm:{file}"))
    command = time.time()
    (matrix,) = matrix_file.matrices(out)
    prepare, run, board = (_ended(matrix, stage) for stage in STAGES)
    queued, job = run["began"] - prepare["ended"], run["ended"] - run["began"]
    return Submitted(command - began, queued, job, board["ended"] - began)


def _ended(matrix: Path, stage: matrix_file.Stage) -> dict[str, float]:
    """The record of the job of a stage, once it has ended. Raises SystemExit where it failed, or takes too long."""
    path, end = matrix_file.job_record(matrix, stage, 0), time.monotonic() + MOST
    while not (found := (read_json(path) or {}) if path.exists() else {}).get("ended"):
        if time.monotonic() > end:
            raise SystemExit(f"the job of stage {stage} has not ended after {MOST:.0f} s: {matrix / 'log'}")
        time.sleep(0.05)
    if found["code"]:
        raise SystemExit(f"the job of stage {stage} failed: {found['error']}")
    return found
