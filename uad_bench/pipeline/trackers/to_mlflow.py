"""MLflow: the server of $MLFLOW_TRACKING_URI, or else files below mlruns/ in the folder of runs."""

import os
import time
from collections.abc import Mapping

from uad_bench.pipeline.trackers.tracker import PROJECT, TrackedRun

RUN = "uad_bench.run"


class MLflow:
    """One run of MLflow; a resumed training continues it, and one that starts again is a new run.

    Steps that come again in a resumed training are there twice.
    """

    def __init__(self, run: TrackedRun) -> None:
        from mlflow import MlflowClient

        place = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not place:
            os.environ.setdefault(
                "MLFLOW_ALLOW_FILE_STORE", "true"
            )  # other local stores need a database package
            place = (run.out.resolve() / "mlruns").as_uri()
        self._client = MlflowClient(tracking_uri=place)
        self._id = self._found(run)

    def _found(self, run: TrackedRun) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        earlier = self._client.search_runs([experiment], filter_string=f"tags.`{RUN}` = '{run.name}'")
        if earlier and not run.fresh:  # the newest comes first
            self._client.update_run(earlier[0].info.run_id, status="RUNNING")
            return str(earlier[0].info.run_id)
        new = str(self._client.create_run(experiment, run_name=run.label, tags={RUN: run.name}).info.run_id)
        for key, value in run.facts.items():
            self._client.log_param(new, key, value)
        return new

    def begin(self, phase: str, step: int) -> None:
        """Nothing: a phase needs no preparation."""

    def record(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Add the figures of a step, in one request."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        figures = [Metric(f"{phase}/{name}", value, now, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=figures)

    def close(self, *, failed: bool) -> None:
        """Mark the run as ended, or as failed."""
        self._client.set_terminated(self._id, status="FAILED" if failed else "FINISHED")
