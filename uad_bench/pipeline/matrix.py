"""A matrix of methods and seeds becomes single runs, which are carried out one after the other.

A failed run does not stop the others. `uad_bench.engines` can take the place of the loop in `execute`, because a run
needs nothing but its job and finds everything else on disk.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uad_bench import plugins
from uad_bench.cohort.cohort import Cohort
from uad_bench.cohort.discovery import pinned_protocol
from uad_bench.cohort.gather import gather
from uad_bench.cohort.roles import Plan
from uad_bench.config import Overrides, Protocol, RunSpec, checked_parameters, merged, validated
from uad_bench.errors import PartialFailure, UadError, UsageError, unknown_name
from uad_bench.pipeline.method_names import NamedMethod, find_method, variant_of
from uad_bench.pipeline.protocol_checks import check_protocol
from uad_bench.pipeline.requirements import require_modalities, require_track, require_unseen
from uad_bench.pipeline.run import run
from uad_bench.pipeline.run_job import RunJob, Workplace
from uad_bench.pipeline.settings import with_settings
from uad_bench.results.method_label import MethodLabel
from uad_bench.results.run_directory import RunDir
from uad_bench.support import messages
from uad_bench.support.environment import free_gpu_memory

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
    """What a user requests: methods by name, seeds, a protocol, test sets, settings.

    overrides: a configuration file; settings: `--set` options as (path, value), applied after it; limits: fields of
    RunSpec that are the same for all runs (fold, precision, time budget, ...).
    """

    methods: Sequence[str]
    seeds: Sequence[int] = (0,)
    protocol: str = ""
    test: Sequence[str] = ()
    overrides: Overrides = field(default_factory=Overrides)
    settings: Sequence[tuple[Sequence[str], Any]] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def specs(self) -> list[RunSpec]:
        """The single runs, by method, then by seed. Raises UsageError for any name or value that is wrong."""
        methods = [find_method(name) for name in dict.fromkeys(self.methods)]
        known = [one.entry.name for one in methods]
        over = with_settings(self.overrides, self.settings, known)
        protocol = pinned_protocol(self.protocol, over.protocol)
        check_protocol(protocol)
        test = tuple(self.test) or protocol.test
        for name in over.methods:
            if name not in known:
                raise unknown_name("method in the settings", name, known)
        for dataset in (protocol.train, *test, *over.datasets):
            plugins.resolve("dataset", dataset)
        return _each_once([spec for one in methods for spec in self._of_method(one, over, protocol, test)])

    def _of_method(
        self, method: NamedMethod, over: Overrides, protocol: Protocol, test: tuple[str, ...]
    ) -> list[RunSpec]:
        entry, cls, given = method.entry, method.cls, over.methods.get(method.entry.name, {})
        usual, seen = method.preset(protocol), method.seen(protocol)
        named, parameters = _resolved(method, usual, given)
        if own := method.variant_preset(named, protocol):
            named, parameters = _resolved(method, merged(usual, own), given)
        if named and not method.chosen and variant_of(cls, usual) == named:
            log.info(
                "%s: the preset of protocol %s runs the variant %s:%s; %s:published runs the published method with the "
                "settings of this protocol, paper/%s with the published settings",
                *(entry.name, protocol.name, entry.name, named, entry.name, entry.name),
            )
        common = {
            "method": str(MethodLabel(entry.name, named, seen)),
            "target": entry.target,
            "source": entry.source,
            "version": getattr(cls, "version", 1),
            "parameters": parameters,
            "modalities": seen,
            "protocol": protocol,
            "test": test,
            "datasets": over.datasets,
            **self.limits,
        }
        specs = [validated(RunSpec, {**common, "seed": seed}, entry.name) for seed in self.seeds]
        require_modalities(cls, specs[0])
        require_track(cls, specs[0])
        require_unseen(cls, specs[0])
        return specs


def _each_once(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """The specifications without repetitions: two names may stand for one method, such as a preset's variant."""
    found = {(spec.method, spec.run_id("")): spec for spec in specs}
    if twice := len(specs) - len(found):
        log.info("%d of %d runs have another name too and are carried out once", twice, len(specs))
    return list(found.values())


def _resolved(
    method: NamedMethod, usual: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The variant's name, "" for none, and all parameters: presets, then settings, then what a name stands for.

    Raises UsageError for parameters that the method does not take.
    """
    from uad_bench.method.base import variant

    name = method.entry.name
    parameters = checked_parameters(method.cls, merged(merged(usual, given), method.chosen), name)
    return variant(_built(method.cls, parameters, name)), parameters


def _built(cls: type[Any], parameters: Mapping[str, Any], name: str) -> Any:  # a Method
    try:
        return cls(**parameters)
    except (ValueError, TypeError) as error:
        raise UsageError(f"method {name!r} does not take these parameters", hint=str(error)) from error


def execute(specs: Sequence[RunSpec], place: Workplace, table: "RoleTable | None" = None) -> Outcome:
    """Carry out all runs one after the other; a run that fails does not stop the others.

    table: the split table that the specs name, if any. The error of the outcome is the first one itself where no run
    ended well, PartialFailure with the names of the failed runs where some did. Raises what `gather` raises.
    """
    cohorts: dict[str, tuple[Cohort, list[logging.LogRecord]]] = {}
    done: list[RunDir] = []
    failed: list[tuple[str, UadError]] = []
    for spec in specs:
        if _cohort_key(spec) not in cohorts:
            with messages.collected() as records:
                cohorts[_cohort_key(spec)] = gather(spec, place.sources, Plan.of(spec, table)), records
        cohort, records = cohorts[_cohort_key(spec)]
        try:
            done.append(run(RunJob.of(spec, cohort, place), records))
        except UadError as error:
            failed.append((f"{spec.method} seed {spec.seed}", error))
            log.error("%s seed %d: FAILED, %s", spec.method, spec.seed, error)
            free_gpu_memory(error)
    return Outcome(tuple(done), outcome_error(failed, len(specs)))


def jobs(specs: Sequence[RunSpec], place: Workplace, table: "RoleTable | None" = None) -> list[RunJob]:
    """All runs with their cohorts, prepared, for an engine that carries them out. Raises what `gather` raises."""
    cohorts: dict[str, Cohort] = {}
    for spec in specs:
        if _cohort_key(spec) not in cohorts:
            cohorts[_cohort_key(spec)] = gather(spec, place.sources, Plan.of(spec, table))
    return [RunJob.of(spec, cohorts[_cohort_key(spec)], place) for spec in specs]


def _cohort_key(spec: RunSpec) -> str:
    """Runs with one key have the same cohort."""
    return f"{spec.protocol.fingerprint}/{spec.test}/{spec.datasets}"


def outcome_error(failed: Sequence[tuple[str, UadError]], n: int) -> UadError | None:
    """The error to end with after `n` runs."""
    if not failed:
        return None
    if len(failed) == n:
        return failed[0][1]
    names = ", ".join(name for name, _ in failed)
    return PartialFailure(f"{len(failed)} of {n} runs failed", where=names, hint=str(failed[0][1]))
