"""Operations of the methods' published settings on the grid of uad-2mm, counted, and GPU hours computed from them.

    OMP_NUM_THREADS=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=99999999999 python -m benchmarks.budget [METHOD]...

PyTorch counts the operations of convolutions and matrix products in two and in one training step with two slices, on
the CPU, without computing them; the difference is a step, times batch and number of steps. Scoring is counted on one
scan. The hours assume a sustained rate, they are not measured: `--rate`, in TFLOP/s. 58 (nominal) + 1,281 scans of 66
slices are scored.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from uad_bench import Context, Scan, plugins
from uad_bench.method.training_loop import Loop
from uad_bench.testing import toy_scans

#: Methods of the table in the variants that need no weights from elsewhere, and what makes a step small.
METHODS = ("thresh", "ae", "vae", "svae", "dae", "fanogan", "ra:ssim", "phanes:noperc", "fae:self", "ddpm", "pddpm",
           "cddpm", "patch2loc", "patchcore:self", "rd4ad:self", "feature-memory:self", "uniad:self", "riad:mask",
           "andi", "disyre", "itermask")  # fmt: skip
PHASES = ("steps", "self_steps", "gan_steps", "encoder_steps", "first_steps", "masked_steps")
SMALL = {"batch": 2, "checked": 2, "slices": 2, "candidates": 64, "vectors": 640}
SHAPE, SLICES, SCORED = (80, 96, 32), 66, 58 + 1281


@dataclass(frozen=True)
class Counted:
    """Operations: of the whole training, and of scoring a scan."""

    training: float
    scan: float

    def hours(self, rate: float) -> float:
        """GPU hours of a run at a rate in TFLOP/s."""
        return (self.training + SCORED * self.scan) / (rate * 1e12) / 3600


def main() -> None:
    """Count and print a row a method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*", default=METHODS)
    parser.add_argument("--rate", type=float, default=30.0, help="TFLOP/s that a GPU sustains (default: 30)")
    options = parser.parse_args()
    print(
        "| method | training, PFLOP | scoring a scan, GFLOP | hours of a run | hours of five seeds |\n"
        + "|---" * 5
        + "|"
    )
    for name in options.methods:
        found = counted(name)
        one = found.hours(options.rate)
        print(
            f"| {name} | {found.training / 1e15:.3g} | {found.scan / 1e9:.3g} | {one:.2f} | {5 * one:.1f} |",
            flush=True,
        )


def counted(name: str) -> Counted:
    """The operations of a method."""
    method, _, variant = name.partition(":")
    cls = plugins.load(plugins.resolve("method", method))
    chosen = dict(cls.variants[variant]) if variant else {}
    known = {field.name: chosen.get(field.name, field.default) for field in fields(cls)}
    small = {key: value for key, value in SMALL.items() if key in known}
    once = {phase: 1 for phase in PHASES if phase in known}
    scans = toy_scans(2, shape=SHAPE)
    base, model = _fit(cls, chosen | small | once, scans)
    per_step = {phase: _fit(cls, chosen | small | once | {phase: 2}, scans)[0] - base for phase in once}
    training = sum(_scale(known, phase) * flops for phase, flops in per_step.items())
    scan = _scoring(model, scans[0])
    if "vectors" in known:  # the search in a memory grows with its size, which two small scans cannot fill
        twice = _fit(cls, chosen | small | once | {"vectors": 2 * SMALL["vectors"]}, scans)[1]
        scan += (_scoring(twice, scans[0]) - scan) * (known["vectors"] / SMALL["vectors"] - 1)
    slices = int(scans[0].brain_mask.any(axis=(0, 1)).sum())
    return Counted(training, scan * SLICES / slices)


class _Whole(nullcontext[None]):
    """The whole program as one module: PyTorch's tracker of modules refuses gradients of gradients."""

    parents: ClassVar = {"Global"}


class _Uncomputed(TorchDispatchMode):
    """Convolutions and matrix products are not computed and give zeros: their operations depend on shapes only."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket not in flop_registry:
            return func(*args, **(kwargs or {}))
        shapes = tree_map_only(torch.Tensor, lambda one: one.to("meta"), (args, kwargs or {}))
        found = func(*shapes[0], **shapes[1])
        return tree_map_only(torch.Tensor, lambda one: torch.zeros_like(one, device="cpu"), found)


@contextmanager
def _counter() -> Iterator[FlopCounterMode]:
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _Whole()  # type: ignore[assignment]
    with _Uncomputed(), counter:
        yield counter


def _scoring(model: Any, scan: Scan) -> int:
    """The operations of scoring a scan."""
    with _counter() as counter:
        model.score(scan, Context())
    return int(counter.get_total_flops())


def _fit(cls: Any, parameters: dict[str, Any], scans: list[Scan]) -> tuple[int, Any]:
    """The operations of a training, and the trained method."""
    model = cls(**parameters)
    # A training of one step validates once, a long one every tenth of its steps: validations are not counted.
    unvalidated = mock.patch.object(Loop, "_run_validation", lambda _self: None)
    with unvalidated, _counter() as counter:
        model.fit(scans, scans[:1], Context())
    return int(counter.get_total_flops()), model


def _scale(known: dict[str, Any], phase: str) -> float:
    """How often a counted step is in a whole training: steps, times batch or candidate patches."""
    if "candidates" in known:
        return float(known[phase]) * float(known["candidates"]) / SMALL["candidates"]
    return float(np.multiply(known[phase], known["batch"])) / SMALL["batch"]


if __name__ == "__main__":
    main()
