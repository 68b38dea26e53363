"""Patch2Loc, the published network: exact scoring and bf16 scoring compared with the loop over patches.

    OMP_NUM_THREADS=1 python -m benchmarks.exact
    OMP_NUM_THREADS=1 python -m benchmarks.exact --parts
    OMP_NUM_THREADS=1 python -m benchmarks.exact --training
    OMP_NUM_THREADS=1 python -m benchmarks.exact --ap

Prints Markdown tables: CPU seconds on one thread, the best of several calls of all scorers in turn, which limits the
effect of other jobs on the machine. Patches come from slices of a 192×192×100 volume; the time per volume is
extrapolated from patches per second and the number of pixels to be scored, as every patch takes the same time.

--parts: each convolution of the network alone, with PyTorch and with `ExactLocator`. --training: forward and backward
passes of the encoder with padded convolutions everywhere and with `Conv3`. --ap: the effect of bf16 on detection. A
network trained for a few minutes on healthy phantoms scores three phantoms with lesions in both formats.
"""

import argparse
import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import TypeVar
from unittest.mock import patch

import numpy as np
import torch
from scipy import ndimage
from sklearn.metrics import average_precision_score
from torch import nn

from uad_bench import Context, Scan
from uad_bench.types import BoolArray, FloatArray
from uad_datasets.phantom.subject import Phantom, make_phantom
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.encoders.resnet import Conv3, resnet_encoder
from uad_methods.patch2loc.ensemble import networks
from uad_methods.patch2loc.inference.bf16 import BF16Locator
from uad_methods.patch2loc.inference.exact import Conv, ExactLocator, Workspace
from uad_methods.patch2loc.inference.fold import folded
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.scoring import Predictor, score_patches

SHAPE = (192, 192, 100)
LAYERS = ((7, 64, 64, 1), (7, 64, 128, 2), (4, 128, 128, 1), (4, 128, 256, 2), (2, 256, 256, 1), (2, 256, 512, 2),
          (1, 512, 512, 1))  # fmt: skip  # map, channels in and out, stride; of a patch of 24
REPEATS = 3
Key = TypeVar("Key", bound=Hashable)


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patches", type=int, default=2048, help="scored at a time")
    parser.add_argument("--parts", action="store_true", help="each convolution separately")
    parser.add_argument("--training", action="store_true", help="the encoder in training")
    parser.add_argument("--ap", action="store_true", help="compare bf16 and fp32 on lesions")
    parser.add_argument("--steps", type=int, default=100, help="of the training for --ap")
    parser.add_argument("--every", type=int, default=8, help="slice that --ap scores")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.ap:
        detection(given.steps, given.every)
        return
    if given.training:
        training(given.patches)
        return
    with torch.no_grad():
        parts() if given.parts else speed(given.patches)


def speed(patches: int) -> None:
    """Patches per second of every scorer, and the time per volume."""
    net = network(24)
    images, height = torch.rand(1, 1, *SHAPE[:2]), torch.tensor([50.0])
    where = torch.zeros(SHAPE[0] * SHAPE[1], dtype=torch.bool)
    where[torch.randperm(len(where), generator=torch.Generator().manual_seed(0))[:patches]] = True
    where = where.view(1, *SHAPE[:2])

    def scored(locate: Predictor, chunk: int) -> torch.Tensor:
        return score_patches(locate, images, height, where, 24, chunk)

    exact, half = ExactLocator(net, 24), BF16Locator(net, 24)
    sides = {("loop", n): partial(scored, net, n) for n in (256, 512, 1024)}
    sides |= {("exact", n): partial(scored, exact, n) for n in (128, 256, 512, 1024)}
    sides |= {("bf16", n): partial(scored, half, n) for n in (256, 1024)}
    seconds, answers = taking_turns(sides)
    loop = min(s for (name, _), s in seconds.items() if name == "loop")
    brain = ellipsoid()
    wanted = {"all": brain.size, "brain + 3": grown(brain, 3).sum(), "brain": brain.sum()}
    print("pixels: " + ", ".join(f"{name} {n / brain.size:.0%}" for name, n in wanted.items()))
    columns = ["scorer", "batch", "patches/s", "same patches", "largest difference"]
    columns += [f"{name}, CPU h | ratio" for name in wanted]
    print("| " + " | ".join(columns) + " |\n" + "|---" * (5 + 2 * len(wanted)) + "|")
    for (name, batch), s in seconds.items():
        apart = (answers[name, batch] - answers["loop", 512]).abs().max()
        row = [name, batch, f"{patches / s:.0f}", f"{loop / s:.2f}×", f"{apart:.1e}"]
        for pixels in wanted.values():
            row += [f"{s / patches * pixels / 3600:.2f}", f"{loop * brain.size / (s * pixels):.2f}×"]
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def parts(patches: int = 256) -> None:
    """Microseconds per patch of each convolution with normalisation and ReLU."""
    print("| map | channels | stride | PyTorch, µs | channels last, µs | exact, µs |\n" + "|---" * 6 + "|")
    for n, inputs, outputs, stride in LAYERS:
        plain = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        ).eval()
        quick = Conv(folded(plain[0], plain[1]), stride, n, Workspace(torch.device("cpu")))
        weight, bias = (value.float() for value in folded(plain[0], plain[1]))
        x = torch.rand(patches, inputs, n, n)

        def convolved(
            form: torch.memory_format, x=x, weight=weight, bias=bias, stride=stride
        ) -> torch.Tensor:
            given, kernel = (v.contiguous(memory_format=form) for v in (x, weight))
            return nn.functional.conv2d(given, kernel, bias, stride, 1).relu_()

        sides = {
            "plain": partial(convolved, torch.contiguous_format), "last": partial(convolved, torch.channels_last),
            "exact": partial(quick, x.permute(2, 3, 0, 1).contiguous(), "y"),
        }  # fmt: skip
        times = [f"{s / patches * 1e6:.1f}" for s in taking_turns(sides)[0].values()]
        print(f"| {n}×{n} | {inputs}→{outputs} | {stride} | " + " | ".join(times) + " |", flush=True)


def training(patches: int) -> None:
    """CPU seconds of forward and backward passes of the encoder, for a published step of 17,500 patches."""
    print("| patch | format | padded, s | Conv3, s | ratio |\n" + "|---" * 5 + "|")
    for side, bf16 in ((12, False), (12, True), (24, False), (24, True)):
        encoder = resnet_encoder(1).to(memory_format=torch.channels_last)
        x = torch.rand(patches, 1, side, side)

        def passed(forward: Callable[..., torch.Tensor], encoder=encoder, x=x, bf16=bf16) -> torch.Tensor:
            with patch.object(Conv3, "forward", forward), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                latent = encoder(x)
            latent.float().square().sum().backward()
            return latent.detach().float()

        sides = {name: partial(passed, of.forward) for name, of in (("padded", nn.Conv2d), ("Conv3", Conv3))}
        padded, product = (s / patches * 17_500 for s in taking_turns(sides)[0].values())
        form = "bf16" if bf16 else "float32"
        print(f"| {side} | {form} | {padded:.1f} | {product:.1f} | {padded / product:.2f} |", flush=True)


def detection(steps: int, every: int) -> None:
    """Train, then AP inside the brain with both number formats, pooled over three phantoms with lesions."""
    method = Patch2Loc(patch=24, steps=steps, slices=24, candidates=1024, lr=1e-3, checked=8)
    healthy = [as_scan(make_phantom(0, f"bench{i}", ""), f"h{i}") for i in range(10)]
    began = time.process_time()
    method.fit(healthy[2:], healthy[:2], Context(precision="fp32"))
    print(f"trained in {time.process_time() - began:.0f} CPU s")
    net = networks(method.net_)[0]
    locators = {"fp32": ExactLocator(net, 24), "bf16": BF16Locator(net, 24)}
    scores: dict[str, list[FloatArray]] = {name: [] for name in locators}
    seconds, truth = dict.fromkeys(locators, 0.0), []
    for kind in ("tumour", "iso", "structural"):
        phantom = make_phantom(1, f"bench-{kind}", kind)
        scan, z = as_scan(phantom, kind), np.arange(0, phantom.brain_mask.shape[2], every)
        truth.append(phantom.lesion_mask[..., z][phantom.brain_mask[..., z]])
        given = torch.from_numpy(np.ascontiguousarray(scan.image[..., z].transpose(3, 0, 1, 2)))
        where = torch.from_numpy(np.ascontiguousarray(scan.brain_mask[..., z].transpose(2, 0, 1)))
        height = 100.0 * torch.from_numpy(z) / scan.shape[2]
        for name, locate in locators.items():
            began = time.process_time()
            found = score_patches(locate, given * where[:, None], height, where, 24, 256)
            seconds[name] += time.process_time() - began
            scores[name].append(found.numpy().transpose(1, 2, 0)[scan.brain_mask[..., z]])
    pooled = {name: np.concatenate(parts) for name, parts in scores.items()}
    apart, lesion = abs(pooled["fp32"] - pooled["bf16"]), np.concatenate(truth)
    print(f"difference: largest {apart.max():.3f}, median {np.median(apart):.4f}")
    print(f"standard deviation of scores {pooled['fp32'].std():.2f}")
    print(f"{lesion.sum()} lesion voxels of {lesion.size}: prevalence {lesion.mean():.4f}")
    for name, values in pooled.items():
        print(f"{name}: AP {average_precision_score(lesion, values):.4f}, {seconds[name]:.1f} CPU s")


def as_scan(phantom: Phantom, case_id: str) -> Scan:
    """T2 scaled by the 1st and 99th percentile in the brain, as in the protocol `phantom`."""
    image = phantom.images["t2"]
    low, high = np.percentile(image[phantom.brain_mask], (1, 99))
    scaled = (np.clip((image - low) / (high - low), 0, 1) * phantom.brain_mask).astype(np.float32)
    return Scan(case_id, ("t2",), scaled[None], phantom.brain_mask, np.diag([2.0, 2, 2, 1]), (2.0, 2.0, 2.0))


def network(patch: int) -> Locator:
    """The published network in eval mode, with batch statistics of random patches."""
    torch.manual_seed(0)
    method = Patch2Loc(patch=patch)
    method.channels_, method.shape_ = 1, SHAPE
    net = method.build().train()
    for _ in range(5):
        net(torch.rand(64, 1, patch, patch), torch.rand(64) * 100)
    return net.eval()


def ellipsoid() -> BoolArray:
    """A brain that fills about 53 % of the grid, including the 3 voxels around it that a 7×7×7 filter uses."""
    x, y, z = np.indices(SHAPE)
    inside: BoolArray = ((x - 96) / 73) ** 2 + ((y - 96) / 89) ** 2 + ((z - 50) / 70) ** 2 < 1
    return inside


def grown(brain: BoolArray, margin: int) -> BoolArray:
    """The brain and the voxels within `margin` voxels of it along each axis."""
    wide: BoolArray = ndimage.binary_dilation(brain, np.ones((3, 3, 3)), iterations=margin)
    return wide


def taking_turns(
    sides: Mapping[Key, Callable[[], torch.Tensor]],
) -> tuple[dict[Key, float], dict[Key, torch.Tensor]]:
    """CPU seconds of the fastest of `REPEATS` calls of each side, the sides in turn, and their results."""
    seconds, answers = dict.fromkeys(sides, float("inf")), {}
    for _ in range(REPEATS):
        for name, side in sides.items():
            began = time.process_time()
            answers[name] = side()
            seconds[name] = min(seconds[name], time.process_time() - began)
    return seconds, answers


if __name__ == "__main__":
    main()
