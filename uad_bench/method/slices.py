"""Axial slices for 2D methods: a stack of training slices on the device, and scoring of whole volumes in batches."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from uad_bench.errors import DataError
from uad_bench.method.context import Context
from uad_bench.method.out_of_memory import is_out_of_memory
from uad_bench.method.transfer import sent
from uad_bench.types import BoolArray, FloatArray, Scan

log = logging.getLogger(__name__)

STACK_SHARE = 0.5  # of the free device memory; the rest is for the network


@dataclass(frozen=True)
class Batch:
    """n axial slices. image: float32 (n, C, X, Y); brain: bool (n, X, Y); z: int64 (n,), index in the volume.

    pixels: brain pixels of each slice, which the CPU knows without waiting for the GPU; empty in training.
    """

    image: torch.Tensor
    brain: torch.Tensor
    z: torch.Tensor
    pixels: tuple[int, ...] = ()


class SliceStack:
    """All axial slices with brain of all scans, as one fp16 tensor (n, C, X, Y): on the device if it fits.

    The slices of a scan follow each other in the order of z, from inferior to superior. depth: slices per volume (Z).
    shape: (X, Y). counts: slices of each scan in the stack. name: distinguishes the random draws of several stacks.
    `batch(step, size)` is a pure function of (seed, name, step): there are no worker processes, and a resumed training
    needs no sampler state. Raises DataError without a scan.

    The size of the stack is logged before the first image is read. It is filled scan by scan, so that memory holds one
    stack and one scan. Where it needs more than half of the free memory of a GPU, it stays in CPU memory, from where
    every batch is copied.

    >>> from uad_bench.testing import toy_scans
    >>> stack = SliceStack(toy_scans(2), Context(seed=0))
    >>> batch = stack.batch(step=0, size=4)
    >>> batch.image.shape, batch.brain.shape, len(stack) == sum(stack.counts)
    (torch.Size([4, 1, 16, 32]), torch.Size([4, 16, 32]), True)
    """

    def __init__(self, scans: Sequence[Scan], ctx: Context, *, name: str = "train") -> None:
        if not len(scans):
            raise DataError(f"no {name} scans", hint="check the dataset and the protocol's splits")
        self.ctx, self.name = ctx, name
        self.shape, self.depth = scans[0].shape[:2], scans[0].shape[2]
        self.counts = [int(mask.any(axis=(0, 1)).sum()) for mask in _brain_masks(scans)]
        total, channels = sum(self.counts), len(scans[0].image)
        home = _home(total, channels, self.shape, ctx.device, name)
        self.images = torch.empty((total, channels, *self.shape), dtype=torch.float16, device=home)
        self.brains = torch.empty((total, *self.shape), dtype=torch.bool, device=home)
        self.z = torch.empty(total, dtype=torch.int64, device=home)
        self._fill(scans)

    def _fill(self, scans: Sequence[Scan]) -> None:
        first = 0
        for scan, count in zip(scans, self.counts, strict=True):
            for whole, part in zip((self.images, self.brains, self.z), _slices(scan), strict=True):
                whole[first : first + count].copy_(part)
            first += count

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, step: int, size: int) -> Batch:
        """`size` slices drawn uniformly, without replacement unless the stack has fewer."""
        rng = self.ctx.rng("slices", self.name, step)
        return self.take(rng.choice(len(self), size, replace=size > len(self)))

    def take(self, index: "np.typing.NDArray[np.int64] | Sequence[int]") -> Batch:
        """The slices at the positions `index` (n,) of the stack, float32, on the run's device."""
        (at,) = sent([torch.as_tensor(np.asarray(index))], self.images.device)
        parts = self.images[at], self.brains[at], self.z[at]
        image, brain, z = parts if self.images.is_cuda else sent(parts, self.ctx.device)
        return Batch(image.float(), brain, z)

    def spread(self, count: int) -> Batch:
        """At most `count` slices at equal distances in the stack: a fixed validation set."""
        even = np.linspace(0, len(self) - 1, min(count, len(self)))
        return self.take(np.unique(even.round().astype(np.int64)))


def _brain_masks(scans: Sequence[Scan]) -> Iterator[BoolArray]:
    """The brain masks. A sequence that changes images on access names as `unchanged` the scans whose masks it keeps."""
    for scan in getattr(scans, "unchanged", scans):
        yield scan.brain_mask


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


def _home(slices: int, channels: int, shape: tuple[int, ...], device: str, name: str) -> str:
    """The device of a stack, which is logged with the stack's size: `device`, or "cpu" where it would be too large."""
    size = slices * (int(np.prod(shape)) * (2 * channels + 1) + 8)  # fp16 images, masks, positions
    text = f"{slices} {name} slices, {channels} channel(s): {size / 2**30:.2f} GiB"
    if torch.device(device).type != "cuda":
        log.info("%s of memory", text)
        return device
    free = free_memory(device)
    if size <= STACK_SHARE * free:
        log.info("%s of the %.1f GiB that are free on %s", text, free / 2**30, device)
        return device
    log.warning(
        "%s, more than half of the %.1f GiB that are free on %s: they stay in CPU memory, and every batch is "
        "copied to the GPU",
        text,
        free / 2**30,
        device,
    )
    return "cpu"


def free_memory(device: str) -> int:
    """Bytes of a GPU that a new tensor may use: free ones, and those that PyTorch's allocator keeps for reuse."""
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def score_slices(
    scan: Scan, ctx: Context, score: Callable[[Batch], torch.Tensor], size: int | None = 32
) -> FloatArray:
    """The anomaly map (X, Y, Z) from a function of slices: `score` takes a Batch and returns (n, X, Y).

    Runs without gradients in batches of `size` slices with brain, in the order of z; slices without brain stay 0.
    Where a batch does not fit in memory it is halved, with a warning. size None: all slices of the volume in one batch,
    which is never halved, for functions that need all of them.

    >>> from uad_bench.testing import toy_scans
    >>> (scan,) = toy_scans(1)
    >>> score_slices(scan, Context(), lambda batch: batch.image.mean(dim=1)).shape == scan.shape
    True
    """
    found = volumes(scan, ctx, lambda batch: {"map": score(batch)}, size)
    return found.get("map", np.zeros(scan.shape, np.float32))


def volumes(
    scan: Scan, ctx: Context, compute: Callable[[Batch], Mapping[str, torch.Tensor]], size: int | None = 32
) -> dict[str, FloatArray]:
    """Several volumes (..., X, Y, Z) from one pass, by name: `compute` returns (n, ..., X, Y) for each name.

    Otherwise as `score_slices`. The volume is copied to the device once, and the results are copied back once. Empty
    for a scan without brain.
    """
    image, brain, z = _slices(scan)
    if not len(z):
        return {}
    pixels = brain.sum(dim=(1, 2)).tolist()
    on_device = sent((image, brain, z), ctx.device)

    def batch(part: slice) -> Batch:
        some_image, some_brain, some_z = (one[part] for one in on_device)
        return Batch(some_image.float(), some_brain, some_z, tuple(pixels[part]))

    parts: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad():
        for found in _in_batches(lambda part: compute(batch(part)), len(z), size, scan.case_id):
            for name, values in found.items():
                parts.setdefault(name, []).append(values.float())
        return _on_host({name: torch.cat(some) for name, some in parts.items()}, z, scan.shape[2])


def _in_batches(
    compute: Callable[[slice], Mapping[str, torch.Tensor]], count: int, size: int | None, where: str
) -> Iterator[Mapping[str, torch.Tensor]]:
    """The results of `compute` for consecutive ranges of slices 0 .. count - 1; `size` is halved where memory ends."""
    done, at_once = 0, count if size is None else size
    while done < count:
        part = slice(done, min(done + at_once, count))
        try:
            found = compute(part)
        except (RuntimeError, MemoryError) as error:
            if size is None or part.stop - done == 1 or not is_out_of_memory(error):
                raise
        else:
            done = part.stop
            yield found
            continue
        at_once = (
            part.stop - done
        ) // 2  # outside the handler, whose traceback keeps references to the memory
        log.warning("%s: %d slices do not fit in memory; now %d at once", where, part.stop - done, at_once)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _on_host(found: Mapping[str, torch.Tensor], z: torch.Tensor, depth: int) -> dict[str, FloatArray]:
    """Volumes (..., X, Y, depth) from slices (n, ..., X, Y) at the indices `z` (n,), 0 elsewhere; one copy for all."""
    flat = torch.cat([one.reshape(-1) for one in found.values()]) if len(found) > 1 else None
    copied = (
        found if flat is None else dict(zip(found, _split(flat.cpu(), list(found.values())), strict=True))
    )
    volumes_ = {}
    for name, slices in copied.items():
        values = slices.cpu().numpy()
        volumes_[name] = np.zeros((*values.shape[1:], depth), np.float32)
        volumes_[name][..., z.numpy()] = np.moveaxis(values, 0, -1)
    return volumes_


def _split(flat: torch.Tensor, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    parts = torch.split(flat, [one.numel() for one in like])
    return [part.view(one.shape) for part, one in zip(parts, like, strict=True)]
