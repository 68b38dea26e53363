"""The baselines that learn: a volume scored in batches, and by a loop over single slices as published codes have it.

    OMP_NUM_THREADS=1 python -m benchmarks.scoring [--methods ae dae] [--protocol phantom] [--device cuda]

Prints a Markdown table: seconds a volume of the protocol's grid, a slice a pass and as `score` does it, their ratio,
how far apart the two maps are, the networks' parameters, and how near both come to the arithmetic of the machine:
multiplications and additions of the networks a second, as a share of those of a large float32 matrix product. Sizes
are the protocol's presets; weights are as drawn: their values change no time. The least of three calls, after one;
CPU seconds, with several threads or on a GPU those of the clock. SVAE takes a volume as one sequence: there is no
loop to compare it with. Patch2Loc: `dense.py`, `exact.py`.
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
        f"{torch.get_num_threads()} threads, {int(scan.brain_mask.any(axis=(0, 1)).sum())} slices that hold brain\n"
    )
    most = product_rate(given.device, torch.float32)
    print(f"A float32 matrix product: {most:.3f} TFLOP/s\n")
    print(
        "| method | s, slice by slice | s, in batches | ratio | of the product's | largest difference | parameters |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in given.methods:
        print(row(name, given.protocol, scan, ctx, most), flush=True)


def row(name: str, protocol: str, scan: Scan, ctx: Context, most: float) -> str:
    """One method's line of the table; `most`: 1e12 multiplications and additions a second that can be had."""
    label, method = begun(name, protocol, scan, ctx)
    size = sum(p.numel() for p in method.net_.parameters())
    with FlopCounterMode(display=False) as counted:
        whole = method.score(scan, ctx)
    batched, work = (
        least(lambda: method.score(scan, ctx), ctx.device),
        counted.get_total_flops() / 1e12 / most,
    )
    if name == "svae":
        return f"| {label} | – | {batched:.2f} | – | {work / batched:.0%} | – | {size:,} |"
    one_by_one(method)
    parts, single = method.score(scan, ctx), least(lambda: method.score(scan, ctx), ctx.device)
    apart = float(np.abs(whole - parts).max() / max(float(whole.max()), 1e-12))
    shares = f"{work / single:.0%}, {work / batched:.0%}"
    return f"| {label} | {single:.2f} | {batched:.2f} | {single / batched:.1f} | {shares} | {apart:.0e} | {size:,} |"


def begun(name: str, protocol: str, scan: Scan, ctx: Context) -> tuple[str, Any]:
    """The method of the protocol's preset with the weights it begins with, and its name with the variant's."""
    spec = Matrix([name], protocol=protocol).specs()[0]
    method = load(resolve("method", name))(**spec.parameters)
    for parameter in method.begin([scan], ctx).parameters():
        if not parameter.any():  # else the last layer says 0 whatever comes before it
            torch.nn.init.normal_(parameter, std=0.01)
    method.threshold_ = 1e-3  # of PHANES: something is found in every slice
    return spec.method, method


def one_by_one(method: Any) -> None:  # whatever it is, scoring goes through `score_slices`
    """From here on the method scores one slice a pass."""
    if hasattr(method, "batch_size"):  # noise is drawn for a whole volume, so the cut comes after that
        method.batch_size, method._batches = 1, None
        return
    usual = method.score_slices
    method.score_slices = lambda scan, ctx, score, size=1: usual(scan, ctx, score, 1)


def least(call: Any, device: str) -> float:
    """The least seconds of three calls."""
    return min(seconds(call, device) for _ in range(3))


if __name__ == "__main__":
    main()
