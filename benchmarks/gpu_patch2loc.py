"""Patch2Loc on a GPU: seconds per volume, training speed, and utilisation of the device.

    python -m benchmarks.gpu_patch2loc                # a GPU with about 40 GiB
    python -m benchmarks.gpu_patch2loc --compiled     # the same with compiled steps
    python -m benchmarks.gpu_patch2loc --tiny         # any machine, seconds: tests the command only

Prints Markdown tables. Scoring: a volume of 192×192×100 in memory, half of it brain, from the scan to the map on the
host, the second of two calls. Training: the published step (356 slices, 32,384 candidate patches) on synthetic
volumes, timed between the first and the last time that losses are read; validation is small enough to be negligible.
"Of matmul" is the share of the rate of a bf16 product of 8192×8192 matrices on the same device, at 3 × 2 × 33.18
MFLOP per patch (forward and backward).
"""

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchmarks.diffusion import product_rate
from uad_bench import Context, Scan, SliceStack
from uad_bench.method.loop_state import Policy
from uad_bench.support.environment import resolve_device
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.ensemble import Ensemble, networks
from uad_methods.patch2loc.fast import expected_count

FLOP = 2 * 33.18e6  # of one patch of 24 through the published network, forward
PUBLISHED_STEPS = 15_000


class Loop(Patch2Loc):
    """The published network applied patch by patch: the baseline for the exact scorer."""

    @property
    def _ensemble(self) -> Ensemble:
        return replace(super()._ensemble, networks=networks(self.net_))


@dataclass(frozen=True)
class Size:
    """shape: of a volume, voxels; parameters: of the method; side: of the matrices in the reference product."""

    shape: tuple[int, int, int]
    volumes: int
    parameters: dict[str, int]
    side: int


FULL = Size((192, 192, 100), 16, {"steps": 120, "checked": 4}, 8192)
TINY = Size(
    (24, 28, 4), 2, {"steps": 41, "patch": 8, "slices": 4, "candidates": 16, "checked": 2, "width": 4}, 256
)


def main() -> None:
    """Measure, print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tiny", action="store_true", help="toy sizes, to test the command")
    parser.add_argument("--compiled", action="store_true", help="train with compiled steps")
    given = parser.parse_args()
    device, size = resolve_device(given.device), TINY if given.tiny else FULL
    scans = [volume(size.shape, i) for i in range(size.volumes)]
    print(torch.cuda.get_device_name(device) if device != "cpu" else "cpu", "torch", torch.__version__)
    scoring(size, scans, device)
    training(size, scans, device, given.compiled)


def scoring(size: Size, scans: list[Scan], device: str) -> None:
    """Seconds per volume of each network and number format."""
    print("\n| scorer | s/volume | peak, GiB |\n|---|---|---|")
    kinds = {
        "conv, dense": Patch2Loc(network="conv", **size.parameters),
        "published, loop": Loop(**size.parameters),
        "published, exact": Patch2Loc(**size.parameters),
        "published, bf16": Patch2Loc(scoring="bf16", **size.parameters),
    }
    for name, method in kinds.items():
        ctx = Context(device=device)
        method.begin(scans, ctx)
        method.score(scans[0], ctx)  # selects kernels, fills the allocator's cache
        reset_peak(device)
        began = time.perf_counter()
        method.score(scans[1], ctx)  # ends with a copy to the host
        print(f"| {name} | {time.perf_counter() - began:.3f} | {peak(device)} |", flush=True)


def training(size: Size, scans: list[Scan], device: str, compiled: bool) -> None:
    """Patches per second of the published training step, in bf16 where the device supports it."""
    best = 1e12 * product_rate(device, side=size.side)
    method, looks = Patch2Loc(**size.parameters, lr=1e-3, compiled=compiled), dict[int, float]()
    policy = Policy(sink=lambda values: looks.setdefault(int(values["step"]), time.perf_counter()))
    ctx = Context(device=device, policy=policy)
    reset_peak(device)
    method.fit(scans, scans[:2], ctx)
    count = expected_count(SliceStack(scans, ctx), method.side, method.brain, method.candidates)
    first, last = (
        19,
        (method.steps // 20) * 20 - 1,
    )  # losses are read every 20 steps, which synchronises the device
    step = (looks[last] - looks[first]) / (last - first)
    share = 3 * FLOP * count / step / best
    columns = ["patches per step", "s/step", "patches/s", "of matmul", "peak, GiB", "h for 15,000 steps"]
    print("\n| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    hours = step * PUBLISHED_STEPS / 3600
    print(f"| {count} | {step:.4f} | {count / step:.0f} | {share:.1%} | {peak(device)} | {hours:.2f} |")
    print(
        f"\nmatmul, bf16: {best / 1e12:.2f} TFLOP/s; stack of slices on {SliceStack(scans, ctx).images.device}"
    )


def volume(shape: tuple[int, int, int], number: int) -> Scan:
    """A scan whose brain is an ellipsoid that fills about half of the grid."""
    rng = np.random.default_rng(number)
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    brain = sum(axis**2 for axis in grid) < 0.97
    image = 0.5 + 0.2 * grid[0] + 0.2 * np.sin(5 * grid[1] + number) + 0.05 * rng.standard_normal(shape)
    return Scan(
        f"v{number}", ("t2",), (image * brain).astype(np.float32)[None], brain, np.eye(4), (1.0, 1.0, 1.0)
    )


def wait(device: str) -> None:
    """Wait until the device has finished."""
    if device != "cpu":
        torch.cuda.synchronize(device)


def reset_peak(device: str) -> None:
    """Reset the peak of device memory."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: str) -> str:
    """Peak device memory since `reset_peak`, GiB."""
    return f"{torch.cuda.max_memory_allocated(device) / 2**30:.2f}" if device != "cpu" else "-"


if __name__ == "__main__":
    main()
