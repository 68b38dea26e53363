"""Weights & Biases, offline unless $WANDB_MODE says otherwise; files below wandb/ in the folder of runs."""

import os
from collections.abc import Mapping

from uad_bench.pipeline.trackers.tracker import PROJECT, TrackedRun


class WeightsAndBiases:
    """One run of Weights & Biases; a resumed training continues it, and one that starts again replaces it.

    Each phase has a step axis of its own.
    """

    def __init__(self, run: TrackedRun) -> None:
        import wandb

        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            dir=os.environ.get("WANDB_DIR", str(run.out)),
            mode=os.environ.get("WANDB_MODE", "offline"),
            id=run.name.replace("/", "-"),
            name=run.label,
            config=dict(run.facts),
            resume=None
            if run.fresh
            else "allow",  # None: the data of an earlier run of this id is overwritten
            settings=wandb.Settings(
                console="off", silent=True, disable_git=True, save_code=False, x_disable_stats=True
            ),
        )

    def begin(self, phase: str, step: int) -> None:
        """Define the step axis of a phase."""
        self._run.define_metric(f"{phase}/*", step_metric=f"{phase}/step")

    def record(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Add the figures of a step."""
        self._run.log({f"{phase}/step": step} | {f"{phase}/{name}": value for name, value in values.items()})

    def close(self, *, failed: bool) -> None:
        """End the run, or mark it as failed."""
        self._run.finish(exit_code=int(failed))
