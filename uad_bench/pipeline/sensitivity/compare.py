"""One method with the same seeds under its protocol and under each change of the preparation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from uad_bench.config import RunSpec
from uad_bench.errors import unknown_name
from uad_bench.leaderboard.collect import summarise
from uad_bench.leaderboard.sensitivity import Sensitivity, sensitivity
from uad_bench.leaderboard.statistics.row_data import per_case_metric
from uad_bench.pipeline.matrix import Matrix, execute
from uad_bench.pipeline.run_job import Workplace
from uad_bench.pipeline.sensitivity.changes import parse_changes
from uad_bench.plugins import label

AS_PROTOCOL = "as the protocol"


@dataclass(frozen=True)
class Sensitive:
    """What is compared: method, seeds, changes as of `parse_changes`; protocol "" is the default one."""

    method: str
    seeds: Sequence[int]
    changes: Sequence[str]
    protocol: str = ""
    test: Sequence[str] = ()
    settings: Sequence[tuple[list[str], Any]] = field(default=())

    def specs(self) -> dict[str, list[RunSpec]]:
        """The runs by preparation, the protocol's own first. Raises UsageError for any name or value that is wrong."""
        own = self._specs(())
        protocol = own[0].protocol
        changes = parse_changes(self.changes, protocol)
        return {AS_PROTOCOL: own} | {one.label: self._specs(one.settings(protocol)) for one in changes}

    def _specs(self, change: Sequence[tuple[list[str], Any]]) -> list[RunSpec]:
        settings = [*self.settings, *change]
        return Matrix([self.method], self.seeds, self.protocol, self.test, settings=settings).specs()


def compare_preparations(
    asked: Sensitive, place: Workplace, metric: str = ""
) -> tuple[str, list[Sensitivity]]:
    """Make the runs that are missing; the name of the metric, and its rows for each test set.

    metric: of a case; "" for the protocol's primary metric. Raises the error of a run that failed, after the others.
    """
    wanted = asked.specs()
    first = wanted[AS_PROTOCOL][0]
    name = metric or per_case_metric(first.protocol.primary)
    _require_metric(name, first)
    outcome = execute([spec for specs in wanted.values() for spec in specs], place)
    if outcome.error:
        raise outcome.error
    summaries = iter([summarise(run) for run in outcome.done])
    runs: Mapping[str, Any] = {name: [next(summaries) for _ in specs] for name, specs in wanted.items()}
    return name, [row for test in first.test for row in sensitivity(runs, label(test), name)]


def _require_metric(name: str, spec: RunSpec) -> None:
    """Raise UsageError for a metric or threshold rule that the protocol does not have, before anything is trained."""
    metric, at, rule = name.partition("@")
    if metric not in spec.protocol.metrics:
        raise unknown_name(f"metric of protocol {spec.protocol.name}", metric, spec.protocol.metrics)
    if at and rule not in spec.protocol.thresholds:
        raise unknown_name(f"threshold rule of protocol {spec.protocol.name}", rule, spec.protocol.thresholds)
