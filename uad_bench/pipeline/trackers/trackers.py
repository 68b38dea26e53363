"""The trackers that a run feeds, opened and closed around its training. A tracker that fails never ends a run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from uad_bench import plugins
from uad_bench.errors import EnvironmentFault, unknown_name
from uad_bench.pipeline.run_job import RunJob
from uad_bench.pipeline.trackers.tracker import TrackedRun, Tracker
from uad_bench.weights.portable import portable_spec

log = logging.getLogger(__name__)

#: train.csv of each run; it is always written.
CSV = "csv"
#: By name: the package that has to be installed, and the class.
CLASSES = {
    "tensorboard": ("tensorboard", "to_tensorboard:TensorBoard"),
    "wandb": ("wandb", "to_wandb:WeightsAndBiases"),
    "mlflow": ("mlflow", "to_mlflow:MLflow"),
}
NAMES = (CSV, *CLASSES)


def wanted(names: Sequence[str]) -> tuple[str, ...]:
    """The names of trackers that --log gives, each once, without csv.

    Raises UsageError for an unknown name (UB201), EnvironmentFault for one whose package is missing (UB606).
    """
    for name in names:
        if name not in NAMES:
            raise unknown_name("tracker", name, NAMES)
    chosen = tuple(name for name in dict.fromkeys(names) if name != CSV)
    for name in chosen:
        if find_spec(CLASSES[name][0]) is None:
            hint = f"pip install 'uad-bench[{name}]'"
            raise EnvironmentFault(
                f"--log {name} needs a package", where=CLASSES[name][0], hint=hint, code="UB606"
            )
    return chosen


class Trackers:
    """train.csv and the trackers of a run: each figure goes to train.csv first."""

    def __init__(self, job: RunJob, open_trackers: Mapping[str, Tracker]) -> None:
        self._directory, self._open = job.directory, dict(open_trackers)

    def sink(self, record: dict[str, Any]) -> None:
        """Take the figures of a step: {"phase", "step", "loss", ...}."""
        self._directory.append_training(record)
        values = {name: value for name, value in record.items() if name not in {"phase", "step"}}
        self._each(lambda tracker: tracker.record(record["phase"], record["step"], values))

    def rewind(self, phase: str, step: int) -> None:
        """A phase starts or resumes at this step."""
        self._directory.rewind_training(phase, step)
        self._each(lambda tracker: tracker.begin(phase, step))

    def close(self, *, failed: bool) -> None:
        """Close the trackers. failed: the training has ended by an error or an interruption."""
        self._each(lambda tracker: tracker.close(failed=failed))

    def _each(self, call: Callable[[Tracker], None]) -> None:
        """Call every tracker; one that fails is named in a warning and not called again."""
        for name, tracker in list(self._open.items()):
            try:
                call(tracker)
            except Exception as error:  # of the tracker's package: a server that is gone, a full disk
                del self._open[name]
                log.warning(
                    "%s gets no more figures, train.csv has them: %s: %s", name, type(error).__name__, error
                )


@contextmanager
def trackers(job: RunJob) -> Iterator[Trackers]:
    """The trackers of a run that trains. One that cannot be opened is named in a warning."""
    found = Trackers(job, dict(_opened(job)))
    failed = True
    try:
        yield found
        failed = False
    finally:
        found.close(failed=failed)


def _opened(job: RunJob) -> Iterator[tuple[str, Tracker]]:
    for name in job.place.trackers:
        module, _, cls = CLASSES[name][1].partition(":")
        try:
            tracker = getattr(import_module(f"uad_bench.pipeline.trackers.{module}"), cls)(_tracked(job))
        except Exception as error:  # of the tracker's package
            log.warning("%s gets no figures, train.csv has them: %s: %s", name, type(error).__name__, error)
        else:
            log.info("%s: figures of the training also go to %s", job.label, name)
            yield name, tracker


def _tracked(job: RunJob) -> TrackedRun:
    spec, protocol = job.spec, job.spec.protocol
    facts = {f"parameters.{name}": value for name, value in portable_spec(spec).parameters.items()}
    facts |= {"method": spec.method, "seed": spec.seed, "train": plugins.label(protocol.train)}
    facts |= {"protocol": protocol.name, "protocol_fingerprint": protocol.fingerprint}
    return TrackedRun(job.place.out, job.directory.name, job.label, facts, job.place.fresh)
