"""`run --on`: the runs of a matrix in slots of this machine, or as jobs of Slurm."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uad_bench.engines.command_words import for_shell, with_options, without
from uad_bench.errors import UsageError

if TYPE_CHECKING:
    from uad_bench.config import RunSpec
    from uad_bench.data.published_splits import RoleTable
    from uad_bench.engines.matrix_file import JobMatrix, PlannedRun
    from uad_bench.pipeline.matrix import Outcome
    from uad_bench.pipeline.run_job import Workplace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Typed:
    """Options as they were typed, for the commands of processes and jobs."""

    on: str
    threads: int
    device: str
    protocol: str
    data: Sequence[str]
    settings: Sequence[str]
    config: str

    @property
    def is_slurm(self) -> bool:
        """Whether jobs are submitted to Slurm."""
        return self.on.partition(":")[0] == "slurm"

    @property
    def words(self) -> list[str]:
        """The words of the command line without --on."""
        return without(sys.argv[1:], valued=["--on"])


def in_slots(
    typed: Typed, specs: "list[RunSpec]", place: "Workplace", table: "RoleTable | None"
) -> "Outcome":
    """The runs as processes: the command that was typed, for one run each."""
    from uad_bench.engines import matrix_file
    from uad_bench.engines.jobs import begin_here, one_engine
    from uad_bench.engines.local import execute_in_slots
    from uad_bench.engines.slots import Slot, parse_slots
    from uad_bench.pipeline.matrix import jobs
    from uad_bench.support.atomic_files import write_json

    slots, words = parse_slots(typed.on, typed.threads, typed.device), typed.words

    def command(number: int, slot: Slot) -> list[str]:
        device = ["--device", slot.device] if slot.device else []
        own = ["--only", str(number), "--threads", str(slot.threads), "--workers", "1", *device]
        return [sys.executable, "-m", "uad_bench", *with_options(words, own)]

    todo, folder = jobs(specs, place, table), matrix_file.matrix_folder(place.out, specs)
    folder.mkdir(parents=True, exist_ok=True)
    with one_engine(folder):
        runs = [_planned(spec, typed) for spec in specs]
        begin_here(folder, _matrix(typed, runs))
        for number, job in enumerate(todo):
            write_json(matrix_file.run_record(folder, number), {"run": job.directory.name})
        return execute_in_slots(todo, command, slots)


def on_slurm(typed: Typed, specs: "list[RunSpec]", place: "Workplace") -> None:
    """Submit the runs that are neither complete nor in the queue.

    Raises UsageError with --fresh, EnvironmentFault without submitit or Slurm, or where Slurm refuses.
    """
    from uad_bench.engines import matrix_file
    from uad_bench.engines.jobs import one_engine, submit
    from uad_bench.engines.slurm import require_submitit

    if place.fresh:
        hint = "remove the runs, or name another --out: a job that is queued again must not start again"
        raise UsageError("--on slurm and --fresh exclude each other", hint=hint)
    matrix = _slurm_matrix(typed, specs)
    require_submitit()
    folder = matrix_file.matrix_folder(place.out, specs)
    folder.mkdir(parents=True, exist_ok=True)
    with one_engine(folder):
        matrix = matrix_file.with_earlier_jobs(folder, matrix)
        matrix_file.save(folder, matrix)
        count = submit(folder, matrix, prepare=True)
    log.info("%d of %d runs submitted, the others are complete or in the queue", count, len(specs))
    log.info("`%s` shows them", for_shell(["jobs", str(place.out)]))


def _matrix(typed: Typed, runs: "Sequence[PlannedRun]") -> "JobMatrix":
    from uad_bench.engines.matrix_file import JobMatrix

    return JobMatrix(words=tuple(typed.words), on=typed.on, cwd=str(Path.cwd()), runs=tuple(runs))


def _planned(spec: "RunSpec", typed: Typed) -> "PlannedRun":
    """A run of the matrix without the needs of a job."""
    from uad_bench.engines.matrix_file import PlannedRun

    return PlannedRun(method=spec.method, seed=spec.seed, threads=typed.threads or 1)


def _slurm_matrix(typed: Typed, specs: "Sequence[RunSpec]") -> "JobMatrix":
    from uad_bench.engines import slurm_file
    from uad_bench.pipeline.method_names import method_class

    settings = slurm_file.read(typed.on)
    slurm_file.require_known_methods(settings, specs, typed.on.partition(":")[2])
    if typed.device == "cpu":
        settings = settings.without_gpu()
    runs = [
        slurm_file.planned(spec.method, spec.seed, method_class(spec).resources, settings, typed.threads)
        for spec in specs
    ]
    words = _prepare(typed, specs[0], settings.prepare.cpus or settings.cpus or 4)
    more = {"prepare": words, "settings": settings.model_dump(mode="json")}
    return _matrix(typed, runs).model_copy(update=more)


def _prepare(typed: Typed, spec: "RunSpec", workers: int) -> tuple[str, ...]:
    """The words of the command that prepares the cases of the runs; settings of methods do not concern it."""
    names = list(dict.fromkeys([spec.protocol.train, *spec.test]))
    words = ["prepare", *names, "--workers", str(workers)]
    for option, value in (("--protocol", typed.protocol), ("--config", typed.config)):
        words += [option, value] if value else []
    for one in typed.data:
        words += ["--data", one]
    for one in typed.settings:
        words += (
            ["--set", one]
            if one.startswith(("protocol.", "datasets.", *(f"{name}." for name in names)))
            else []
        )
    return tuple(words)
