"""Axial slices for 2D methods: a stack of training slices on the device, and scoring of whole volumes in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from uad_bench.errors import DataError
from uad_bench.method.context import Context
from uad_bench.types import FloatArray, Scan

STACK_SHARE = 0.5  # of the free device memory; the rest is for the network


@dataclass(frozen=True)
class Batch:
    """n axial slices. image: float32 (n, C, X, Y); brain: bool (n, X, Y); z: int64 (n,), index in the volume."""

    image: torch.Tensor
    brain: torch.Tensor
    z: torch.Tensor


class SliceStack:
    """All axial slices with brain of all scans, as one fp16 tensor (n, C, X, Y): on the device if it fits.

    The slices of a scan follow each other in the order of z, from inferior to superior. depth: slices per volume (Z).
    shape: (X, Y). counts: slices of each scan in the stack. name: distinguishes the random draws of several stacks.
    `batch(step, size)` is a pure function of (seed, name, step): there are no worker processes, and a resumed training
    needs no sampler state. Raises DataError without a scan.

    >>> from uad_bench.testing import toy_scans
    >>> stack = SliceStack(toy_scans(2), Context(seed=0))
    >>> batch = stack.batch(step=0, size=4)
    >>> batch.image.shape, batch.brain.shape, len(stack) == sum(stack.counts)
    (torch.Size([4, 1, 16, 32]), torch.Size([4, 16, 32]), True)
    """

    def __init__(self, scans: Sequence[Scan], ctx: Context, *, name: str = "train") -> None:
        if not len(scans):
            raise DataError(f"no {name} scans", hint="check the dataset and the protocol's splits")
        parts = [_slices(scan) for scan in scans]
        self.ctx, self.name, self.depth = ctx, name, scans[0].shape[2]
        self.shape = scans[0].shape[:2]
        self.counts = [len(p[2]) for p in parts]
        images = torch.cat([p[0] for p in parts])
        home = ctx.device if _fits(images.nbytes * 1.5, ctx.device) else "cpu"
        self.images = images.to(home)
        self.brains = torch.cat([p[1] for p in parts]).to(home)
        self.z = torch.cat([p[2] for p in parts]).to(home)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, step: int, size: int) -> Batch:
        """`size` slices drawn uniformly, without replacement unless the stack has fewer."""
        rng = self.ctx.rng("slices", self.name, step)
        return self.take(rng.choice(len(self), size, replace=size > len(self)))

    def take(self, index: "np.typing.NDArray[np.int64] | Sequence[int]") -> Batch:
        """The slices at the positions `index` (n,) of the stack, float32, on the run's device."""
        at = torch.as_tensor(np.asarray(index))
        if self.images.is_cuda:  # from pinned memory, otherwise the host waits for the device
            at = at.pin_memory().to(self.images.device, non_blocking=True)
        device = self.ctx.device
        image = self.images[at].to(device, non_blocking=True).float()
        return Batch(image, self.brains[at].to(device), self.z[at].to(device))

    def spread(self, count: int) -> Batch:
        """At most `count` slices at equal distances in the stack: a fixed validation set."""
        even = np.linspace(0, len(self) - 1, min(count, len(self)))
        return self.take(np.unique(even.round().astype(np.int64)))


def _slices(scan: Scan) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The slices of one scan with brain: image fp16 (n, C, X, Y), brain bool (n, X, Y), z (n,)."""
    z = np.flatnonzero(scan.brain_mask.any(axis=(0, 1)))
    image = np.moveaxis(scan.image[..., z], -1, 0)  # (C, X, Y, n) -> (n, C, X, Y)
    brain = np.moveaxis(scan.brain_mask[..., z], -1, 0)
    return (
        torch.from_numpy(image.astype(np.float16)),
        torch.from_numpy(np.ascontiguousarray(brain)),
        torch.from_numpy(z),
    )


def _fits(size: float, device: str) -> bool:
    """Whether `size` bytes leave enough memory on the device."""
    if torch.device(device).type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    return size < STACK_SHARE * free


def score_slices(
    scan: Scan, ctx: Context, score: Callable[[Batch], torch.Tensor], size: int = 32
) -> FloatArray:
    """The anomaly map (X, Y, Z) from a function of slices: `score` takes a Batch and returns (n, X, Y).

    Runs without gradients in batches of `size` slices with brain, in the order of z; slices without brain stay 0.

    >>> from uad_bench.testing import toy_scans
    >>> (scan,) = toy_scans(1)
    >>> score_slices(scan, Context(), lambda batch: batch.image.mean(dim=1)).shape == scan.shape
    True
    """
    found = volumes(scan, ctx, lambda batch: {"map": score(batch)}, size)
    return found.get("map", np.zeros(scan.shape, np.float32))


def volumes(
    scan: Scan, ctx: Context, compute: Callable[[Batch], Mapping[str, torch.Tensor]], size: int = 32
) -> dict[str, FloatArray]:
    """Several volumes (..., X, Y, Z) from one pass, by name: `compute` returns (n, ..., X, Y) for each name.

    Otherwise as `score_slices`. Empty for a scan without brain.
    """
    image, brain, z = _slices(scan)
    parts: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for i in range(0, len(z), size):
            part = slice(i, i + size)
            batch = Batch(
                image[part].to(ctx.device).float(), brain[part].to(ctx.device), z[part].to(ctx.device)
            )
            for name, values in compute(batch).items():
                parts.setdefault(name, []).append(values.float())
    return {name: _stacked(torch.cat(some), z, scan.shape[2]) for name, some in parts.items()}


def _stacked(slices: torch.Tensor, z: torch.Tensor, depth: int) -> FloatArray:
    """A volume (..., X, Y, depth) with the slices (n, ..., X, Y) at the indices `z` (n,), 0 elsewhere."""
    found = slices.cpu().numpy()
    volume = np.zeros((*found.shape[1:], depth), np.float32)
    volume[..., z.numpy()] = np.moveaxis(found, 0, -1)
    return volume
