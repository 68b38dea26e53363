"""Stage fit: a method is trained on healthy scans and stored; what scores is always a method that was loaded again."""

import logging
import os
import shutil
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from uad_bench.cohort.cohort import Scans
from uad_bench.config import RunSpec
from uad_bench.pipeline.method_names import method_class
from uad_bench.pipeline.run_job import RunJob, Workplace
from uad_bench.pipeline.trackers.trackers import Trackers, trackers
from uad_bench.pipeline.trained.reuse import take_trained
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import aside_folder, put_in_place

if TYPE_CHECKING:
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context
    from uad_bench.method.loop_state import Policy

log = logging.getLogger(__name__)


def trained(job: RunJob) -> "Method":
    """The method of a run, trained on its training scans unless a model is stored already, here or in a run beside it.

    Raises PluginError where the method breaks its contract, EnvironmentFault where memory is exhausted (UB603).
    """
    from uad_bench.method.guard import guarded
    from uad_bench.method.precision import whole_float32

    spec, directory = job.spec, job.directory
    model = directory.path / "model"
    if not model.is_dir() and not take_trained(job):
        train, val = (Scans(job.cohort.of(role), spec.modalities) for role in ("train", "val"))
        method = build(spec)
        log.info("%s: fit on %d healthy scans", job.label, len(train))
        began = time.monotonic()
        with trackers(job) as figures:
            ctx = context(spec, job.place, _policy(job, figures))
            with (
                guarded(f"{spec.method}.fit"),
                whole_float32() if spec.precision == "fp32" else nullcontext(),
            ):
                method.fit(train, val, ctx)
                ctx.require_trained()
        fit_s = round(ctx.earlier_s + time.monotonic() - began, 2)
        job.set_state(
            "running", fit_s=fit_s, stopped_early=ctx.stopped_early, parameters=n_parameters(method)
        )
        _store(method, job)
    # Also where a model is stored already: a run may have been killed before all of its checkpoints were removed.
    shutil.rmtree(directory.path / "checkpoints", ignore_errors=True)
    return stored(directory, spec, job.place)


def stored(directory: RunDir, spec: RunSpec, place: Workplace) -> "Method":
    """The method of a run as its folder model/ holds it.

    Raises IntegrityError where the model was changed after it was stored, PluginError where it cannot be loaded.
    """
    from uad_bench.method.guard import guarded

    directory.verify_model()
    method = build(spec)
    with guarded(f"{spec.method}.load"):
        method.load(directory.path / "model", context(spec, place))
    return method


def build(spec: RunSpec) -> "Method":
    """The method of a run, with its parameters, not trained. Raises PluginError where it cannot be built."""
    method: Method = method_class(spec)(**spec.parameters)
    return method


def context(spec: RunSpec, place: Workplace, policy: "Policy | None" = None) -> "Context":
    """The context of a fit, with the policy of its training loops, or of scoring, without one."""
    import torch

    from uad_bench.method.context import Context
    from uad_bench.method.loop_state import Policy
    from uad_bench.method.torch_settings import set_determinism

    # Whatever the import of a plug-in has set: it would change the numbers of all other methods.
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.backends.cudnn.benchmark = False
    torch.set_num_threads(place.threads)
    set_determinism(True, warn_only=True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return Context(spec.seed, place.device, spec.precision, policy or Policy())


def _policy(job: RunJob, figures: Trackers) -> "Policy":
    """Checkpoints, time budget and progress of the training loops of a run."""
    from uad_bench.method.loop_state import Policy

    folder = job.directory.path / "checkpoints"
    folder.mkdir(exist_ok=True)
    return Policy(
        folder,
        resume=job.place.resume,
        checkpoint_minutes=job.spec.checkpoint_minutes,
        time_budget_s=job.spec.time_budget_s,
        progress=job.place.progress,
        sink=figures.sink,
        rewind=figures.rewind,
        label=job.label,
    )


def n_parameters(method: "Method") -> int:
    """The number of weights in the networks that a method has learnt: attributes whose names end in `_`."""
    import torch

    learnt = [value for name, value in vars(method).items() if name.endswith("_")]
    modules = [value for value in learnt if isinstance(value, torch.nn.Module)]
    return sum(weights.numel() for module in modules for weights in module.parameters())


def _store(method: "Method", job: RunJob) -> None:
    """Save a trained method whole or not at all, with the digests of its files."""
    from uad_bench.method.guard import guarded

    model = job.directory.path / "model"
    with aside_folder(model) as aside:
        with guarded(f"{job.spec.method}.save"):
            method.save(aside)
        job.directory.seal_model(aside)
        put_in_place(aside, model)
