"""What the stages of a run share: the specification, the cohort, the machine and the run directory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort
from uad_bench.cohort.discovery import Sources
from uad_bench.config import RunSpec
from uad_bench.errors import UsageError
from uad_bench.results.run_directory import RunDir, run_dir
from uad_bench.support import environment


@dataclass(frozen=True)
class Workplace:
    """Where and how runs are made on this machine; none of it changes what a number means.

    out: the folder of runs; device: cpu, cuda or cuda:N; threads: CPU threads, part of what fixes the bits of a
    result; resume: continue unfinished runs; fresh: start again; progress: show a bar while training; fail_fast: end a
    run at the first case that cannot be scored; case_timeout_s: score in a process of its own, with a limit per case;
    trackers: names of programs that get the figures of the training, besides train.csv;
    record: a JSON file in which a run names its directory, for engines.
    """

    out: Path
    sources: Sources
    device: str = "cpu"
    threads: int = field(default_factory=environment.threads)
    resume: bool = False
    fresh: bool = False
    progress: bool = False
    fail_fast: bool = False
    case_timeout_s: float | None = None
    trackers: tuple[str, ...] = ()
    record: Path | None = None

    def __post_init__(self) -> None:
        """Raise UsageError where a run would be continued and started again."""
        if self.fresh and self.resume:
            hint = "--resume continues unfinished runs and keeps complete ones, --fresh deletes both and starts again"
            raise UsageError("--fresh and --resume exclude each other", hint=hint)


@dataclass(frozen=True)
class RunJob:
    """One run on its way through the stages."""

    spec: RunSpec
    cohort: Cohort
    place: Workplace
    directory: RunDir

    @classmethod
    def of(cls, spec: RunSpec, cohort: Cohort, place: Workplace) -> "RunJob":
        """The job of a run, with its directory made. Raises EnvironmentFault where that cannot be."""
        return cls(spec, cohort, place, run_dir(place.out, spec, cohort.digest))

    @property
    def label(self) -> str:
        """The run in messages: method and seed."""
        return f"{self.spec.method} seed {self.spec.seed}"

    def roots(self) -> dict[str, str]:
        """The folder of each dataset that the user named (--data, $UAD_BENCH_DATA), for commands that read the run."""
        sources = self.place.sources
        names = [plugins.label(name) for name in (self.spec.protocol.train, *self.spec.test)]
        found = {name: sources.named_root(name) for name in dict.fromkeys([*names, *sources.roots])}
        return {name: str(root.absolute()) for name, root in found.items() if root is not None}

    def set_state(self, state: str, **facts: Any) -> None:
        """Record the state with new facts. Facts recorded before stay, except an earlier error."""
        self.directory.set_state(state, **(self.facts() | facts))

    def facts(self) -> dict[str, Any]:
        """What the status records of the run so far, except its state and an error."""
        return {k: v for k, v in self.directory.status().items() if k not in {"state", "error", "code"}}
