"""matrix.json: a matrix of runs that an engine carries out, and what was submitted to a scheduler.

<out>/jobs/<key>/
    matrix.json       the command, its runs, and every submission
    runs/<n>.json     the directory of run n, written by the run itself
    ended/<stage>-<n>.json   begin, end, exit code and error of a job, written by the job
    log/              what the jobs wrote
    engine.lock       locked while an engine of this machine carries the matrix out or submits it
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from uad_bench.config import RunSpec, Strict, digest, validated
from uad_bench.errors import IntegrityError
from uad_bench.support.atomic_files import read_json, write_json
from uad_bench.types import Resources

FOLDER, NAME, LOCK = "jobs", "matrix.json", "engine.lock"
Stage = Literal["prepare", "run", "board"]


class PlannedRun(Strict):
    """A run of the matrix, and what its job gets. needs: what its method declares; None in older files."""

    method: str
    seed: int
    needs: Resources | None = None
    gpu: bool = False
    threads: int = 1
    cpus: int = 1
    memory_gib: float = 0
    minutes: int = 0

    @property
    def label(self) -> str:
        """The run in messages."""
        return f"{self.method} seed {self.seed}"


class Submission(Strict):
    """Jobs of one stage that were submitted at once: an array whose task i has number `numbers[i]`.

    name: of the jobs; job: the number that the scheduler gave, "" where the submitting process was killed before.
    """

    name: str
    stage: Stage
    numbers: tuple[int, ...]
    when: float
    job: str = ""


class JobMatrix(Strict):
    """The content of matrix.json. words: of the command, without --on; settings: those of the engine."""

    version: Literal[1] = 1
    words: tuple[str, ...]
    on: str
    cwd: str
    runs: tuple[PlannedRun, ...]
    prepare: tuple[str, ...] = ()
    settings: Mapping[str, Any] = Field(default_factory=dict)
    submissions: tuple[Submission, ...] = ()
    cancelled: tuple[int, ...] = ()

    @property
    def is_slurm(self) -> bool:
        """Whether its runs are jobs of Slurm."""
        return self.on.partition(":")[0] == "slurm"

    def latest(self, stage: Stage, number: int) -> tuple[Submission, int] | None:
        """The last submission of a job, and its place in the array."""
        for one in reversed(self.submissions):
            if one.stage == stage and number in one.numbers:
                return one, one.numbers.index(number)
        return None


def matrix_folder(out: Path, specs: Sequence[RunSpec]) -> Path:
    """The folder of a matrix: the same runs have the same one."""
    values = [spec.model_dump(mode="json", exclude={"checkpoint_minutes", "keep_maps"}) for spec in specs]
    return out.resolve() / FOLDER / digest(values)


def matrices(out: Path) -> list[Path]:
    """The folders of all matrices of a folder of runs, the oldest first."""
    return [
        path.parent for path in sorted(out.glob(f"{FOLDER}/*/{NAME}"), key=lambda path: path.stat().st_ctime)
    ]


def load(folder: Path) -> JobMatrix:
    """The matrix of a folder. Raises IntegrityError for a file that is damaged or of another version (UB509)."""
    found = read_json(folder / NAME)
    if found is None:
        hint = "remove the folder and give the command again; complete runs stay complete"
        raise IntegrityError("no readable matrix.json", where=str(folder), hint=hint, code="UB509")
    return validated(JobMatrix, found, str(folder / NAME))


def save(folder: Path, matrix: JobMatrix) -> None:
    """Write the matrix."""
    write_json(folder / NAME, matrix.model_dump(mode="json"))


def with_earlier_jobs(folder: Path, matrix: JobMatrix) -> JobMatrix:
    """The matrix with what was submitted and cancelled for the one that is in the folder. Raises as `load`."""
    if not (folder / NAME).is_file():
        return matrix
    old = load(folder)
    return matrix.model_copy(update={"submissions": old.submissions, "cancelled": old.cancelled})


def run_record(folder: Path, number: int) -> Path:
    """The file in which run `number` names its directory."""
    return folder / "runs" / f"{number}.json"


def job_record(folder: Path, stage: Stage, number: int) -> Path:
    """The file in which a job writes how it ended."""
    return folder / "ended" / f"{stage}-{number}.json"


def submitted(matrix: JobMatrix, folder: Path, stage: Stage, numbers: Sequence[int]) -> JobMatrix:
    """The matrix with another submission, whose jobs are no longer cancelled.

    The name of the jobs is random: the same runs in another folder, or of another user, have other jobs.
    """
    name = f"uad-{folder.name}-{secrets.token_hex(4)}"
    one = Submission(name=name, stage=stage, numbers=tuple(numbers), when=time.time())
    left = matrix.cancelled if stage != "run" else tuple(n for n in matrix.cancelled if n not in numbers)
    return matrix.model_copy(update={"submissions": (*matrix.submissions, one), "cancelled": left})
