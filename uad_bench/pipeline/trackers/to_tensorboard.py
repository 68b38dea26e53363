"""Event files for TensorBoard, below tensorboard/ in the folder of runs."""

from collections.abc import Mapping
from typing import Any

from uad_bench.pipeline.trackers.tracker import TrackedRun


class TensorBoard:
    """A folder of event files for each phase.

    TensorBoard hides what an earlier training recorded from the step at which a phase begins: of one that starts again
    everything, of a resumed one the steps that come again.
    """

    def __init__(self, run: TrackedRun) -> None:
        self._folder = run.out / "tensorboard" / run.name
        self._writers: dict[str, Any] = {}

    def begin(self, phase: str, step: int) -> None:
        """Open the event file of a phase."""
        from torch.utils.tensorboard import SummaryWriter

        writer: Any = SummaryWriter
        self._writers[phase] = writer(str(self._folder / phase), purge_step=step)

    def record(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Add a scalar for each figure."""
        for name, value in values.items():
            self._writers[phase].add_scalar(name, value, step)

    def close(self, *, failed: bool) -> None:
        """Write what is left. Event files do not record whether a training failed."""
        for writer in self._writers.values():
            writer.close()
