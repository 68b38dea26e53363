"""Trained baselines: scoring in batches compared with a loop over single slices, as in published code.

    OMP_NUM_THREADS=1 python -m benchmarks.scoring [--methods ae dae] [--protocol phantom] [--device cuda]

Prints a Markdown table: seconds per volume on the protocol's grid with one slice per pass and with `score`, their
ratio, the arithmetic rate of the networks in both cases as a share of the rate of a large float32 matrix product, the
largest difference between the two maps, and the number of parameters. Networks have the protocol's presets and random
weights, which do not affect the time. The best of three calls after a first one; CPU seconds, or wall-clock seconds
with several threads or on a GPU. SVAE scores a volume as one sequence, so there is no loop to compare with.
Patch2Loc: `dense.py`, `exact.py`.
"""

import argparse
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.diffusion import product_rate, seconds
from uad_bench import Context, Scan
from uad_bench.config import load_protocol
from uad_bench.pipeline.matrix import Matrix
from uad_bench.plugins import load, resolve
from uad_bench.testing import toy_scans

METHODS = ["ae", "vae", "svae", "dae", "fanogan", "ra", "phanes", "fae", "ddpm", "pddpm", "cddpm"]


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--protocol", default="phantom")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    ctx, shape = Context(device=given.device), tuple(load_protocol(given.protocol).grid.shape)
    scan = toy_scans(1, shape=shape)[0]
    print(
        f"{torch.get_num_threads()} threads, {int(scan.brain_mask.any(axis=(0, 1)).sum())} slices with brain\n"
    )
    peak = product_rate(given.device, torch.float32)
    print(f"A float32 matrix product: {peak:.3f} TFLOP/s\n")
    columns = ["method", "s, slice by slice", "s, in batches", "ratio", "share of the matrix product's"]
    print(f"| {' | '.join([*columns, 'largest difference', 'parameters'])} |")
    print("|---|---|---|---|---|---|---|")
    for name in given.methods:
        print(row(name, given.protocol, scan, ctx, peak), flush=True)


def row(name: str, protocol: str, scan: Scan, ctx: Context, peak: float) -> str:
    """The row of one method. peak: TFLOP/s of the matrix product."""
    label, method = initialised(name, protocol, scan, ctx)
    size = sum(p.numel() for p in method.net_.parameters())
    with FlopCounterMode(display=False) as counted:
        whole = method.score(scan, ctx)
    batched, work = (
        best_of_three(lambda: method.score(scan, ctx), ctx.device),
        counted.get_total_flops() / 1e12 / peak,
    )
    if name == "svae":
        return f"| {label} | – | {batched:.2f} | – | {work / batched:.0%} | – | {size:,} |"
    score_single_slices(method)
    parts, single = method.score(scan, ctx), best_of_three(lambda: method.score(scan, ctx), ctx.device)
    apart = float(np.abs(whole - parts).max() / max(float(whole.max()), 1e-12))
    shares = f"{work / single:.0%}, {work / batched:.0%}"
    return f"| {label} | {single:.2f} | {batched:.2f} | {single / batched:.1f} | {shares} | {apart:.0e} | {size:,} |"


def initialised(name: str, protocol: str, scan: Scan, ctx: Context) -> tuple[str, Any]:
    """The name with its variant, and the method with the protocol's preset and its initial weights."""
    spec = Matrix([name], protocol=protocol).specs()[0]
    method = load(resolve("method", name))(**spec.parameters)
    for parameter in method.begin([scan], ctx).parameters():
        if not parameter.any():  # else the output is 0 whatever the input
            torch.nn.init.normal_(parameter, std=0.01)
    method.threshold_ = 1e-3  # of PHANES: a region is inpainted in every slice
    return spec.method, method


def score_single_slices(method: Any) -> None:  # any method that scores with `score_slices`
    """Make the method score one slice per pass."""
    if hasattr(method, "batch_size"):  # noise is drawn for a whole volume first
        method.batch_size, method._batches = 1, None
        return
    usual = method.score_slices
    method.score_slices = lambda scan, ctx, score, size=1: usual(scan, ctx, score, 1)


def best_of_three(call: Any, device: str) -> float:
    """The shortest time of three calls, seconds."""
    return min(seconds(call, device) for _ in range(3))


if __name__ == "__main__":
    main()
