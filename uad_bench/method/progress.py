"""The progress bar of a training loop on stderr: loss, steps per second, remaining time."""

from types import TracebackType
from typing import Any, Self


class Bar:
    """A context that shows a bar, or nothing if `wanted` is False."""

    def __init__(self, wanted: bool, label: str, total: int) -> None:
        self._progress: Any = None
        self._task: Any = None
        self._loss = ""
        if wanted:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("  {task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                refresh_per_second=2,
            )
            self._task = self._progress.add_task(label, total=total, note="")

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def show(self, step: int, pending: list[tuple[int, dict[str, Any]]]) -> None:
        """Move the bar to `step`.

        pending: logged steps that were not read from the device yet. The loss is updated after they were read, so that
        the bar adds no wait for the device.
        """
        if not self._progress:
            return
        if len(pending) == 1 and "loss" in pending[0][1]:
            self._loss = f"loss {float(pending[0][1]['loss']):.4g}"
        speed = self._progress.tasks[0].speed or 0.0
        self._progress.update(self._task, completed=step, note=f"{self._loss}  {speed:.1f} steps/s")
