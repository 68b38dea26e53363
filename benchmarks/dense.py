"""Patch2Loc, variant conv: one dense pass compared with the same weights applied patch by patch.

    OMP_NUM_THREADS=1 python -m benchmarks.dense

Prints a Markdown table for all pixels of a slice: CPU seconds on one thread, the best of three calls, which limits
the effect of other jobs on the machine. The patch-wise scorer is a fair baseline: eval mode, no gradients, patches
cut from a view, the best of three batch sizes. "Folded": the patch-wise scorer with each batch normalisation of the
encoder folded into its convolution, as the dense pass does; the remaining gain comes from shared computations. "Brain
by both": the pixels of a brain that covers half the slice, patch by patch, compared with one dense pass over its
bounding box. "Brain, dense": all pixels patch by patch, compared with that dense pass.
"""

import argparse
import copy
import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn.utils import fuse_conv_bn_eval

from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.encoders.conv import Unit
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.scoring import score_dense, score_patches

BATCHES = (256, 512, 1024)
REPEATS = 3


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[96], help="of the slice, pixels")
    parser.add_argument("--patches", type=int, nargs="+", default=[24], help="sides, pixels")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| slice | patch | by patch, s | by patch, folded, s | dense, s | ratio | folded | brain by both "
        "| brain, dense | largest difference |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with torch.no_grad():
        for side in given.sides:
            for patch in given.patches:
                print(compare(side, patch), flush=True)


def compare(side: int, patch: int) -> str:
    """One row of the table."""
    net = network(patch, side)
    image, height = torch.rand(1, 1, side, side), torch.tensor([50.0])
    slow, by_patch = best_batch(net, image, height, patch)
    plain, _ = best_batch(folded(net), image, height, patch)
    quick, dense = timed(lambda: score_dense(net, image, height, patch))
    apart = (dense - by_patch).abs().max().item()
    brain = ellipse(side)
    inside, _ = best_batch(net, image, height, patch, brain)
    boxed, _ = timed(lambda: score_dense(net, image, height, patch, box(brain)))
    return (
        f"| {side}×{side} | {patch} | {slow:.3f} | {plain:.3f} | {quick:.4f} "
        f"| {slow / quick:.0f}× | {plain / quick:.0f}× | {inside / boxed:.0f}× | {slow / boxed:.0f}× | {apart:.1e} |"
    )


def ellipse(side: int) -> torch.Tensor:
    """A brain that covers about half of the slice, bool (1, side, side)."""
    x, y = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    return ((x / 0.75) ** 2 + (y / 0.9) ** 2 < 1)[None]


def box(brain: torch.Tensor) -> tuple[slice, slice]:
    """The bounding box of the brain in a slice."""
    x, y = (brain[0].any(axis).nonzero()[:, 0] for axis in (1, 0))
    return slice(int(x[0]), int(x[-1]) + 1), slice(int(y[0]), int(y[-1]) + 1)


def network(patch: int, side: int) -> Locator:
    """The default conv network in eval mode, its batch statistics those of random patches."""
    torch.manual_seed(0)
    method = Patch2Loc(network="conv", patch=patch)
    method.channels_, method.shape_ = 1, (side, side, 100)
    net = method.build().train()
    for _ in range(20):
        net(torch.rand(64, 1, patch, patch), torch.rand(64) * 100)
    return net.eval()


def folded(net: Locator) -> Locator:
    """The same network with each batch normalisation folded into its convolution."""
    net = copy.deepcopy(net)
    for unit in net.encoder.modules():
        if isinstance(unit, Unit) and unit.norm is not None:
            unit.conv = fuse_conv_bn_eval(unit.conv, unit.norm)
            unit.norm = None
    return net


def best_batch(
    net: Locator, image: torch.Tensor, height: torch.Tensor, patch: int, where: torch.Tensor | None = None
) -> tuple[float, torch.Tensor]:
    """CPU seconds for all pixels, or those in `where`, patch by patch at the fastest batch size, and the scores."""
    if where is None:
        where = torch.ones(1, *image.shape[2:], dtype=torch.bool)
    runs = [timed(partial(score_patches, net, image, height, where, patch, n)) for n in BATCHES]
    return min(runs, key=lambda run: run[0])


def timed(score: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor]:
    """CPU seconds of the fastest of `REPEATS` calls, and its result."""
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        answer = score()
        seconds.append(time.process_time() - began)
    return min(seconds), answer


if __name__ == "__main__":
    main()
