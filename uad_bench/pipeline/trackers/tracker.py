"""What a tracker is told about a run, and the interface of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

PROJECT = "uad-bench"


@dataclass(frozen=True)
class TrackedRun:
    """A run for a tracker. It contains no path of a data folder and no case.

    out: the folder of runs; name: protocol/method/run_id; label: method and seed; facts: method, parameters, seed,
    protocol; fresh: the training starts again, and what an earlier one of this name recorded is not its beginning.
    """

    out: Path
    name: str
    label: str
    facts: Mapping[str, Any]
    fresh: bool = False


class Tracker(Protocol):
    """A program that receives the figures of a training."""

    def begin(self, phase: str, step: int) -> None:
        """A phase starts at this step; figures of later steps that were received before are received again."""

    def record(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """The figures of a step."""

    def close(self, *, failed: bool) -> None:
        """The training has ended. failed: by an error or an interruption."""
