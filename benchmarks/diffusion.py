"""Diffusion methods: scoring in batches compared with image by image, and training speed.

    OMP_NUM_THREADS=1 python -m benchmarks.diffusion
    python -m benchmarks.diffusion --device cuda --published

Prints two Markdown tables; the networks have random weights. Scoring: seconds per volume of 96 x 96 pixels with
`batch_size` 1 and "auto", and the largest difference between the two maps; CPU seconds, or wall-clock seconds with
several threads (OMP_NUM_THREADS=2) or on a GPU. Training: steps per second, peak memory, and the arithmetic rate of
forward and backward passes as a share of the rate of a large bf16 matrix product on the same device. Without
--published the network sizes are those of the protocol `phantom`.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from uad_bench import Context, Scan, SliceStack
from uad_bench.testing import toy_scans
from uad_methods.cddpm import CDDPM
from uad_methods.ddpm import DDPM
from uad_methods.denoising import Denoising
from uad_methods.parts.training.descent import descend
from uad_methods.pddpm import PDDPM

SMALL: dict[str, Any] = {"side": 48, "widths": (16, 32), "blocks": 1, "groups": 8, "batch": 8}
SMALL_ENCODER: dict[str, Any] = {"encoder_width": 8, "encoder_blocks": (1, 1, 1, 1)}
METHODS: dict[str, tuple[type[Denoising], dict[str, Any]]] = {
    "ddpm": (DDPM, {}), "pddpm": (PDDPM, {}), "cddpm": (CDDPM, {}),
    "ddpm:anoddpm": (DDPM, {**DDPM.variants["anoddpm"], "every": 100}),
}  # fmt: skip


class Scoring(NamedTuple):
    """Seconds per volume, and the largest difference between the two maps."""

    single: float
    batched: float
    difference: float


class Training(NamedTuple):
    """Steps per second, peak memory in GiB (0 on a CPU), and TFLOP/s."""

    steps: float
    memory: float
    rate: float


def main() -> None:
    """Measure, print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--published", action="store_true", help="the papers' networks")
    parser.add_argument("--slices", type=int, default=78, help="of a volume; a tenth has no brain")
    parser.add_argument("--steps", type=int, default=10, help="of training")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    given = parser.parse_args()
    ctx, scan = Context(device=given.device), toy_scans(1, shape=(96, 96, given.slices))[0]
    small = {} if given.published else SMALL
    methods = {name: initialised(name, scan, ctx, small) for name in given.methods}
    print(f"{int(scan.brain_mask.any(axis=(0, 1)).sum())} slices with brain\n")
    print(
        "| method | s, image by image | s, in batches | ratio | largest difference |\n|---|---|---|---|---|"
    )
    for name, method in methods.items():
        one = scoring(method, scan, ctx)
        times = f"{one.single:.2f} | {one.batched:.2f} | {one.single / one.batched:.1f}"
        print(f"| {name} | {times} | {one.difference:.0e} |", flush=True)
    peak = product_rate(given.device)
    print(f"\nA bf16 matrix product: {peak:.2f} TFLOP/s\n")
    print("| method | steps/s | peak, GiB | TFLOP/s | share of the matrix product's |\n|---|---|---|---|---|")
    for name in given.methods:
        got = training(
            initialised(name, scan, ctx, small), given.steps, scan, ctx
        )  # a new network: scoring changed the memory layout of the weights
        figures = f"{got.steps:.2f} | {got.memory:.2f} | {got.rate:.2f} | {got.rate / peak:.0%}"
        print(f"| {name} | {figures} |", flush=True)


def initialised(name: str, scan: Scan, ctx: Context, sizes: dict[str, Any]) -> Denoising:
    """The method with its initial weights; layers that start at 0 get random weights."""
    cls, parameters = METHODS[name]
    encoder = SMALL_ENCODER if sizes and cls is CDDPM else {}
    method = cls(**{**parameters, **sizes, **encoder})
    for parameter in method.begin([scan], ctx).parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.01)
    return method


def scoring(method: Denoising, scan: Scan, ctx: Context) -> Scoring:
    """One volume in both ways; the second of two calls is measured, without set-up."""
    maps, times = [], []
    for size in (1, "auto"):
        again = replace(method, batch_size=size)
        again.channels_, again.shape_, again.net_ = method.channels_, method.shape_, method.net_
        maps.append(again.score(scan, ctx))
        times.append(seconds(lambda this=again: this.score(scan, ctx), ctx.device))
    return Scoring(*times, float(np.abs(maps[0] - maps[1]).max()))


def training(method: Denoising, steps: int, scan: Scan, ctx: Context) -> Training:
    """Training steps as in `fit`, on slices that are on the device."""
    net, images = (
        method.net_.train(),
        method.network_input(SliceStack([scan], ctx).batch(0, method.batch).image),
    )
    if ctx.device != "cpu":  # the memory layout that `fit` uses
        net.to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(net.parameters(), method.lr)

    def run(keys: Iterable[int]) -> None:
        for key in keys:
            descend(opt, method.loss(net, images, key, ctx), method.clip)

    with FlopCounterMode(display=False) as counted:
        run([0])
    if ctx.device != "cpu":
        torch.cuda.reset_peak_memory_stats(ctx.device)
    took = seconds(lambda: run(range(1, steps + 1)), ctx.device)
    memory = 0.0 if ctx.device == "cpu" else torch.cuda.max_memory_allocated(ctx.device) / 2**30
    return Training(steps / took, memory, counted.get_total_flops() * steps / took / 1e12)


def product_rate(device: str, dtype: torch.dtype = torch.bfloat16, side: int = 0) -> float:
    """TFLOP/s of a product of square matrices, the best of five. side: rows and columns; 0: by the device."""
    side = side or (1024 if device == "cpu" else 8192)
    a = torch.ones((side, side), dtype=dtype, device=device)
    a @ a
    return 2e-12 * side**3 / min(seconds(lambda: a @ a, device) for _ in range(5))


def seconds(call: Callable[[], object], device: str) -> float:
    """CPU seconds of a call; wall-clock seconds with several threads or on a GPU."""
    if device == "cpu" and torch.get_num_threads() > 1:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began
    if device == "cpu":
        began = time.process_time()
        call()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    call()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
