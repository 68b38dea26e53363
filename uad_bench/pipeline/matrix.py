"""A matrix of methods and seeds becomes single runs; an executor carries them out; failures are collected.

The executor here is serial. Anything shaped like `concurrent.futures` (submit, result) can stand in its place,
because a run is one picklable call that finds everything else on disk.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort, gather
from uad_bench.cohort.discovery import pinned_protocol
from uad_bench.cohort.roles import Plan
from uad_bench.config import (
    Overrides,
    Protocol,
    RunSpec,
    checked_parameters,
    merged,
    validated,
)
from uad_bench.errors import PartialFailure, UadError, UsageError, unknown_name
from uad_bench.pipeline.evaluate_run import check_protocol
from uad_bench.pipeline.method_names import Asked, find_method
from uad_bench.pipeline.requirements import require_modalities, require_unseen
from uad_bench.pipeline.run import Workplace, run
from uad_bench.results.run_directory import RunDir

if TYPE_CHECKING:
    from uad_bench.data.published_splits import RoleTable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The runs that were carried out, and the error to end with where some were not."""

    done: tuple[RunDir, ...]
    error: UadError | None = None


@dataclass(frozen=True)
class Matrix:
    """What a person asked for: methods by name, seeds, a protocol, test sets, settings."""

    methods: Sequence[str]
    seeds: Sequence[int] = (0,)
    protocol: str = ""
    test: Sequence[str] = ()
    overrides: Overrides = field(default_factory=Overrides)
    settings: Sequence[tuple[Sequence[str], Any]] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def specs(self) -> list[RunSpec]:
        """The single runs, methods first, seeds within. Raises UsageError for any name or value that is wrong."""
        asked = [find_method(name) for name in dict.fromkeys(self.methods)]
        known = [one.entry.name for one in asked]
        over = with_settings(self.overrides, self.settings, known)
        protocol = pinned_protocol(self.protocol, over.protocol)
        check_protocol(protocol)
        test = tuple(self.test) or protocol.test
        for name in over.methods:
            if name not in known:
                raise unknown_name("method in the settings", name, known)
        for dataset in (protocol.train, *test, *over.datasets):
            plugins.resolve("dataset", dataset)
        return [spec for one in asked for spec in self._of_method(one, over, protocol, test)]

    def _of_method(
        self, asked: Asked, over: Overrides, protocol: Protocol, test: tuple[str, ...]
    ) -> list[RunSpec]:
        from uad_bench.method.base import variant

        entry, cls = asked.entry, asked.cls
        values = merged(merged(asked.preset(protocol), over.methods.get(entry.name, {})), asked.chosen)
        parameters = checked_parameters(cls, values, entry.name)
        named = variant(_built(cls, parameters, entry.name))
        common = {
            "method": f"{entry.name}:{named}" if named else entry.name,
            "target": entry.target,
            "source": entry.source,
            "parameters": parameters,
            "protocol": protocol,
            "test": test,
            "datasets": over.datasets,
            **self.limits,
        }
        specs = [validated(RunSpec, {**common, "seed": seed}, entry.name) for seed in self.seeds]
        require_modalities(cls, specs[0])
        require_unseen(cls, specs[0])
        return specs


def _built(cls: type[Any], parameters: Mapping[str, Any], name: str) -> Any:  # a Method
    try:
        return cls(**parameters)
    except (ValueError, TypeError) as error:
        raise UsageError(f"method {name!r} does not take these parameters", hint=str(error)) from error


def with_settings(
    over: Overrides, settings: Sequence[tuple[Sequence[str], Any]], methods: Sequence[str] = ()
) -> Overrides:
    """`over` with every --set laid on it. The first word of a key is a method, `protocol`, or a dataset."""
    result = over.model_dump()
    for path, value in settings:
        section, *keys = _section(list(path), methods)
        nested: dict[str, Any] = {keys[-1]: value}
        for key in reversed(keys[:-1]):
            nested = {key: nested}
        result[section] = merged(result[section], nested)
    return validated(Overrides, result, "--set")


def _section(path: list[str], methods: Sequence[str]) -> list[str]:
    """A key with the section of Overrides in front that it belongs to."""
    names = dict.fromkeys(methods)
    if path[0] in {"protocol", "methods", "datasets"} and len(path) > 1:
        return path
    if path[0] in names and len(path) > 1:
        return ["methods", *path]
    if ("dataset", path[0]) in plugins.catalogue().entries and len(path) > 1:
        return ["datasets", *path]
    if len(path) == 1 and len(names) == 1:
        return ["methods", *names, *path]
    datasets = (entry.name for entry in plugins.catalogue().names("dataset"))
    key = ".".join(path)
    raise unknown_name(
        "setting", key, [*names, "protocol", *datasets], hint="(METHOD.KEY, DATASET.KEY, protocol.KEY)"
    )


def execute(specs: Sequence[RunSpec], place: Workplace, table: "RoleTable | None" = None) -> Outcome:
    """Carry out all runs one after the other; a run that fails does not stop the others.

    `table` holds the roles where the specs name a published split.

    The outcome's error is the first one itself where no run ended well, PartialFailure naming the failed runs
    where some did. Raises what `gather` raises.
    """
    cohorts: dict[str, Cohort] = {}
    done: list[RunDir] = []
    failed: list[tuple[str, UadError]] = []
    for spec in specs:
        key = f"{spec.protocol.fingerprint}/{spec.test}/{spec.datasets}"
        if key not in cohorts:
            cohorts[key] = gather(
                spec.protocol, spec.test, spec.datasets, place.sources, Plan.of(spec, table)
            )
        try:
            done.append(run(spec, cohorts[key], place))
        except UadError as error:
            failed.append((f"{spec.method} seed {spec.seed}", error))
            log.info(f"{spec.method} seed {spec.seed}: FAILED, {error}")
    if not failed:
        return Outcome(tuple(done))
    if not done:
        return Outcome((), failed[0][1])
    what, names = f"{len(failed)} of {len(specs)} runs failed", ", ".join(name for name, _ in failed)
    return Outcome(tuple(done), PartialFailure(what, where=names, hint=str(failed[0][1])))


def parse_seeds(text: str) -> list[int]:
    """`5` is the five seeds 0..4; `0,1,7` are these three. Raises UsageError for anything else."""
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    seeds = list(range(numbers[0])) if len(numbers) == 1 and "," not in text else numbers
    if not seeds or min(seeds) < 0 or max(seeds) >= 2**63 or len(set(seeds)) != len(seeds):
        hint = "write a count (5) or different numbers with commas (0,1,2; one seed: 7,)"
        raise UsageError(f"--seeds {text!r}", hint=hint, code="UB203")
    return seeds
