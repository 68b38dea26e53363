"""FILE.yaml of `--on slurm:FILE.yaml`: where jobs go and what each gets."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from uad_bench import plugins
from uad_bench.config import RunSpec, Strict, validated
from uad_bench.engines.matrix_file import PlannedRun
from uad_bench.errors import unknown_name
from uad_bench.pipeline.method_names import find_method, method_class
from uad_bench.results.method_label import parse_label
from uad_bench.support import strict_yaml
from uad_bench.types import Resources

SbatchOptions = dict[str, str | int | float | bool]


class Stage(Strict):
    """What jobs without a GPU get; None: the value that stands one level higher. sbatch: other options of it."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    cpus: int | None = Field(default=None, ge=1)
    memory_gib: float | None = Field(default=None, gt=0)
    hours: float | None = Field(default=None, gt=0)
    sbatch: SbatchOptions = Field(default_factory=dict)

    def over(self, other: "Share") -> "Share":
        """This, with the values of a share where this has none."""
        own = {name: value for name, value in self if name in Share.model_fields and value is not None}
        base = {name: value for name, value in other if name in Share.model_fields}
        return Share(**{**base, **own, "sbatch": {**other.sbatch, **self.sbatch}})


class Share(Stage):
    """What runs get; None: the value that stands one level higher, at last what the method declares.

    gpu: whether a GPU is requested; gres: how, in place of `--gpus-per-node=1` (gpu:a100:1).
    """

    gpu: bool | None = None
    gres: str | None = None


class Prepare(Stage):
    """The jobs that prepare: their number."""

    jobs: int = Field(default=4, ge=1, le=1000)


class SlurmFile(Share):
    """The whole file.

    methods: shares by name; prepare, board: what these jobs get. signal_seconds: between the signal to save and the
    time limit; requeues: how often a job that reached its limit is queued again; at_once: jobs of an array that may run
    at the same time; setup: lines of shell in front of each job; python: a command in place of the interpreter.
    """

    methods: dict[str, Share] = Field(default_factory=dict)
    prepare: Prepare = Prepare()
    board: Stage = Stage()
    signal_seconds: int = Field(default=120, ge=1)
    requeues: int = Field(default=20, ge=0)
    at_once: int = Field(default=256, ge=1)
    setup: tuple[str, ...] = ()
    python: str = ""

    def without_gpu(self) -> "SlurmFile":
        """The same for `--device cpu`: no job gets a GPU."""
        methods = {name: one.model_copy(update={"gpu": False}) for name, one in self.methods.items()}
        return self.model_copy(update={"gpu": False, "methods": methods})


def path_of(on: str, where: str = "") -> Path | None:
    """The file that `slurm:FILE.yaml` names, seen from the folder `where`; None for `slurm`."""
    name = on.partition(":")[2]
    return Path(where) / Path(name).expanduser() if name else None


def read(on: str, where: str = "") -> SlurmFile:
    """The settings that `slurm` or `slurm:FILE.yaml` names; where: the folder in which the command was given.

    Raises UsageError for keys and values that are not valid, and for a file that cannot be read.
    """
    path = path_of(on, where)
    return validated(SlurmFile, strict_yaml.read(path) if path else {}, str(path or "--on"))


def require_known_methods(settings: SlurmFile, specs: Sequence[RunSpec], where: str) -> None:
    """Raise UsageError for a key below `methods` that is the name of no method (UB201)."""
    own = {parse_label(spec.method).name: spec for spec in specs}
    _require_known(settings, where, own, lambda name: method_class(own[name]).variants)


def require_known_labels(settings: SlurmFile, labels: Collection[str], where: str) -> None:
    """As `require_known_methods`, for the methods of an earlier command, whose code is not loaded.

    A method that is not installed has the variants that these labels name.
    """
    variants: dict[str, set[str]] = {}
    for label in map(parse_label, labels):
        variants.setdefault(label.name, set()).add(label.variant)
    installed = {entry.name for entry in plugins.catalogue().names("method")}
    own = {name: named for name, named in variants.items() if name not in installed}
    _require_known(settings, where, own, lambda name: own[name])


def _require_known(
    settings: SlurmFile, where: str, own: Collection[str], variants: Callable[[str], Collection[str]]
) -> None:
    """variants: those of one of the methods `own`; the others are looked up among the installed ones."""
    names = {*own, *(entry.name for entry in plugins.catalogue().names("method"))}
    for key in settings.methods:
        base, variant, _ = parse_label(key)
        if base not in names:
            raise unknown_name(f"method in {where}", key, names)
        known = (variants(base) if base in own else find_method(base).cls.variants) if variant else [""]
        if variant not in known:
            raise unknown_name(f"variant of {base} in {where}", variant, known)


def planned(label: str, seed: int, needs: Resources, settings: SlurmFile, threads: int) -> PlannedRun:
    """A run with what its job gets. threads: of the command, 0 where it names none."""
    share = share_of_run(label, settings)
    gpu = needs.gpu if share.gpu is None else share.gpu
    memory = needs.memory_gib if share.memory_gib is None else share.memory_gib
    cpus = max(share.cpus or threads or 4, threads)
    return PlannedRun(
        method=label,
        seed=seed,
        needs=needs,
        gpu=gpu,
        threads=threads or cpus,
        cpus=cpus,
        memory_gib=memory,
        minutes=minutes(share.hours or needs.hours),
    )


def planned_again(run: PlannedRun, settings: SlurmFile) -> PlannedRun:
    """A run with what its job gets by settings that have changed; its threads, which fix its bits, stay."""
    stored = Resources(run.gpu, run.memory_gib, run.minutes / 60)
    return planned(run.method, run.seed, run.needs or stored, settings, run.threads)


def share_of_run(label: str, settings: SlurmFile) -> Share:
    """The share of a method: by its whole label, its name with variant, its name, of the file."""
    called, name = str(parse_label(label)._replace(modalities=())), parse_label(label).name
    own = next((settings.methods[key] for key in (label, called, name) if key in settings.methods), Share())
    return own.over(settings)


def minutes(hours: float) -> int:
    """A time limit in minutes, the unit of Slurm, rounded up."""
    return max(1, math.ceil(round(hours * 60, 6)))


def sbatch_parameters(share: Share, run: PlannedRun, settings: SlurmFile, where: str) -> dict[str, Any]:
    """Parameters of submitit's executor. where: the folder in which the command was given."""
    named: Mapping[str, Any] = {"partition": share.partition, "account": share.account, "qos": share.qos}
    gpus = {"gres": share.gres} if share.gres else {"gpus_per_node": 1}
    return {
        **{name: value for name, value in named.items() if value},
        **(gpus if run.gpu else {}),
        "time": run.minutes,
        "mem": f"{math.ceil(run.memory_gib * 1024)}M",
        "cpus_per_task": run.cpus,
        "ntasks_per_node": 1,
        "nodes": 1,
        "signal_delay_s": settings.signal_seconds,
        "array_parallelism": settings.at_once,
        "setup": list(settings.setup) or None,
        # srun does not take over --cpus-per-task from sbatch since Slurm 22.05.
        "srun_args": [f"--cpus-per-task={run.cpus}"],
        "additional_parameters": {"chdir": where, "requeue": True, **share.sbatch},
    }
