"""Jobs of a matrix submitted to Slurm by submitit: prepare, then every run, then the table.

Jobs wait for those before them with `afterany`, not `afterok`: a shard that fails stops no run, because a run prepares
what is missing and reports what cannot be prepared.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uad_bench.engines import matrix_file, slurm_file
from uad_bench.engines.command_words import with_options
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun, Stage
from uad_bench.engines.slurm_file import Share, SlurmFile
from uad_bench.engines.slurm_job import SlurmJob
from uad_bench.errors import EnvironmentFault

#: Jobs in one array; Slurm's default allows 1,001.
MOST = 1000
#: Seconds that are left of `signal_seconds` to queue a job again after its command has saved.
MARGIN = 10.0


def require_submitit() -> None:
    """Raise EnvironmentFault where submitit or Slurm is not installed (UB610)."""
    import shutil

    try:
        import submitit  # noqa: F401
    except ImportError as error:
        hint = "pip install 'uad-bench[slurm]'"
        raise EnvironmentFault("the package submitit is not installed", hint=hint, code="UB610") from error
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        hint = "give the command on a login node of the cluster"
        raise EnvironmentFault("sbatch and srun are not on the PATH", hint=hint, code="UB610")


def submit_runs(
    folder: Path, matrix: JobMatrix, numbers: Sequence[int], after: Sequence[str] = ()
) -> JobMatrix:
    """Submit these runs and the table after them; the matrix with the submissions, which are saved one by one.

    after: jobs that must have ended. Raises EnvironmentFault where Slurm refuses (UB611).
    """
    settings, jobs = slurm_file.SlurmFile(**matrix.settings), []
    for group in _groups([(number, matrix.runs[number]) for number in numbers], settings):
        matrix = _submit(folder, matrix, "run", group, after)
        jobs.append(matrix.submissions[-1].job)
    return _submit(folder, matrix, "board", [0], jobs) if numbers else matrix


def submit_prepare(folder: Path, matrix: JobMatrix) -> JobMatrix:
    """Submit the jobs that prepare. Raises as `submit_runs`."""
    settings = slurm_file.SlurmFile(**matrix.settings)
    return _submit(folder, matrix, "prepare", list(range(settings.prepare.jobs)), ())


def _groups(runs: Sequence[tuple[int, PlannedRun]], settings: SlurmFile) -> list[list[int]]:
    """Runs whose jobs get the same, in groups of at most the size of an array; long ones first."""
    groups: dict[str, list[int]] = {}
    for number, run in sorted(runs, key=lambda pair: -pair[1].minutes):
        share = slurm_file.share_of_run(run.method, settings)
        key = share.model_dump_json() + run.model_dump_json(exclude={"method", "seed", "needs"})
        groups.setdefault(key, []).append(number)
    return [group[i : i + MOST] for group in groups.values() for i in range(0, len(group), MOST)]


def _submit(
    folder: Path, matrix: JobMatrix, stage: Stage, numbers: Sequence[int], after: Sequence[str]
) -> JobMatrix:
    """Submit one array. It is written down before and after, so that a killed process leaves no unknown job."""
    settings = slurm_file.SlurmFile(**matrix.settings)
    share, run = _needs(matrix, settings, stage, numbers[0])
    parameters = slurm_file.sbatch_parameters(share, run, settings, matrix.cwd)
    if after:
        parameters["additional_parameters"]["dependency"] = f"afterany:{':'.join(after)}"
    matrix = matrix_file.submitted(matrix, folder, stage, numbers)
    matrix_file.save(folder, matrix)
    parameters["job_name"] = matrix.submissions[-1].name
    tasks = [_task(folder, matrix, settings, stage, number) for number in numbers]
    last = matrix.submissions[-1].model_copy(update={"job": _sbatch(folder, settings, parameters, tasks)})
    matrix = matrix.model_copy(update={"submissions": (*matrix.submissions[:-1], last)})
    matrix_file.save(folder, matrix)
    return matrix


def _needs(matrix: JobMatrix, settings: SlurmFile, stage: Stage, number: int) -> tuple[Share, PlannedRun]:
    """Where jobs of a stage go and what each gets."""
    if stage == "run":
        run = matrix.runs[number]
        return slurm_file.share_of_run(run.method, settings), run
    own = settings.prepare if stage == "prepare" else settings.board
    share = own.over(settings)
    run = PlannedRun(
        method=stage,
        seed=0,
        cpus=own.cpus or (settings.cpus or 4 if stage == "prepare" else 1),
        memory_gib=own.memory_gib or 8,
        minutes=slurm_file.minutes(own.hours or (8 if stage == "prepare" else 1)),
    )
    return share, run


def _task(folder: Path, matrix: JobMatrix, settings: SlurmFile, stage: Stage, number: int) -> SlurmJob:
    """The command of a job."""
    out = folder.parents[1]
    if stage == "run":
        run = matrix.runs[number]
        own = ["--only", str(number), "--resume", "--threads", str(run.threads), "--workers", str(run.cpus)]
        place = ["--device", "cuda" if run.gpu else "cpu", "--out", str(out)]
        record = ["--record", str(matrix_file.run_record(folder, number))]
        words = with_options(matrix.words, [*own, *place, *record])
    elif stage == "prepare":
        words = [*matrix.prepare, "--shard", f"{number + 1}/{settings.prepare.jobs}"]
    else:
        words = ["leaderboard", str(out), "--to", str(folder / "leaderboard.md")]
    ended = matrix_file.job_record(folder, stage, number)
    ended.unlink(missing_ok=True)
    return SlurmJob(words, str(ended), max(1.0, settings.signal_seconds - MARGIN))


def _sbatch(
    folder: Path, settings: SlurmFile, parameters: Mapping[str, Any], tasks: Sequence[SlurmJob]
) -> str:
    """Submit tasks as one array; the number of the job. Raises EnvironmentFault where Slurm refuses (UB611)."""
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    for name in ("runs", "ended", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    executor = SlurmExecutor(folder / "log", settings.requeues, python=settings.python or None)
    executor.update_parameters(**parameters)
    try:
        with _outside_of_jobs():
            jobs = executor.submit_array(tasks)
    except (FailedJobError, FailedSubmissionError, subprocess.SubprocessError, OSError) as error:
        what = f"sbatch refused the jobs: {' '.join(str(error).split())}"
        hint = "correct the file of --on slurm:FILE.yaml and give the command again"
        raise EnvironmentFault(what, where=str(folder), hint=hint, code="UB611") from error
    return str(jobs[0].job_id).partition("_")[0]


@contextmanager
def _outside_of_jobs() -> Iterator[None]:
    """Without the variables of a job in which the command was given: its memory and CPUs are not those of new jobs."""
    inside = bool(os.environ.get("SLURM_JOB_ID"))
    names = [name for name in os.environ if inside and name.startswith(("SLURM_", "SRUN_", "SBATCH_"))]
    kept = {name: os.environ.pop(name) for name in names if name != "SLURM_CONF"}
    try:
        yield
    finally:
        os.environ.update(kept)
