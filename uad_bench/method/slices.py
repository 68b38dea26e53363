"""Axial slices for 2D methods: a device-resident training stack, and whole-volume scoring in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from uad_bench.errors import DataError
from uad_bench.method.context import Context
from uad_bench.types import FloatArray, Scan

HEADROOM = 0.5  # share of the free device memory that the stack may take; the rest is the network's


@dataclass(frozen=True)
class Batch:
    """image: float32 (n, C, X, Y); brain: bool (n, X, Y); z: int64 (n,), index of the slice in its volume."""

    image: torch.Tensor
    brain: torch.Tensor
    z: torch.Tensor


class SliceStack:
    """Every axial slice that holds brain, of every scan, as one fp16 tensor: on the device where it fits.

    `batch(step, size)` is a pure function of (seed, stack name, step), so there are no workers to stall and
    resuming needs no sampler state. depth: slices a volume has (Z). shape: (X, Y). counts: slices of each scan in
    the stack, where they follow each other from the feet upwards.
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
        """`size` slices drawn uniformly; none twice in one batch where there are enough."""
        rng = self.ctx.rng("slices", self.name, step)
        return self.take(rng.choice(len(self), size, replace=size > len(self)))

    def take(self, index: "np.typing.NDArray[np.int64] | Sequence[int]") -> Batch:
        """The slices at `index`, float32, on the run's device."""
        at = torch.as_tensor(np.asarray(index))
        if self.images.is_cuda:  # from pinned memory, else the host would wait for the device
            at = at.pin_memory().to(self.images.device, non_blocking=True)
        device = self.ctx.device
        image = self.images[at].to(device, non_blocking=True).float()
        return Batch(image, self.brains[at].to(device), self.z[at].to(device))

    def spread(self, count: int) -> Batch:
        """`count` slices at even steps through the stack: a fixed set to validate on."""
        even = np.linspace(0, len(self) - 1, min(count, len(self)))
        return self.take(np.unique(even.round().astype(np.int64)))


def _slices(scan: Scan) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The slices of one scan that hold brain: (n, C, X, Y) fp16, (n, X, Y) bool, (n,) slice indices."""
    z = np.flatnonzero(scan.brain_mask.any(axis=(0, 1)))
    image = np.moveaxis(scan.image[..., z], -1, 0)  # (C, X, Y, n) -> (n, C, X, Y)
    brain = np.moveaxis(scan.brain_mask[..., z], -1, 0)
    return (
        torch.from_numpy(image.astype(np.float16)),
        torch.from_numpy(np.ascontiguousarray(brain)),
        torch.from_numpy(z),
    )


def _fits(size: float, device: str) -> bool:
    if torch.device(device).type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    return size < HEADROOM * free


def score_slices(
    scan: Scan, ctx: Context, score: Callable[[Batch], torch.Tensor], size: int = 32
) -> FloatArray:
    """The anomaly map (X, Y, Z) from `score`: Batch of axial slices that hold brain -> (n, X, Y).

    Runs without gradients in batches of `size`; slices without brain keep 0. One copy to the host a volume.
    """
    found = volumes(scan, ctx, lambda batch: {"map": score(batch)}, size)
    return found.get("map", np.zeros(scan.shape, np.float32))


def volumes(
    scan: Scan, ctx: Context, ask: Callable[[Batch], Mapping[str, torch.Tensor]], size: int = 32
) -> dict[str, FloatArray]:
    """Several volumes (..., X, Y, Z) from one pass, by name: `ask` gives (n, ..., X, Y) each, as in `score_slices`.

    A scan without brain has none.
    """
    image, brain, z = _slices(scan)
    parts: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for i in range(0, len(z), size):
            part = slice(i, i + size)
            batch = Batch(
                image[part].to(ctx.device).float(), brain[part].to(ctx.device), z[part].to(ctx.device)
            )
            for name, answer in ask(batch).items():
                parts.setdefault(name, []).append(answer.float())
    return {name: _stacked(torch.cat(some), z, scan.shape[2]) for name, some in parts.items()}


def _stacked(slices: torch.Tensor, z: torch.Tensor, depth: int) -> FloatArray:
    """Slices (n, ..., X, Y) at `z` as a volume (..., X, Y, depth), 0 between them."""
    found = slices.cpu().numpy()
    volume = np.zeros((*found.shape[1:], depth), np.float32)
    volume[..., z.numpy()] = np.moveaxis(found, 0, -1)
    return volume
