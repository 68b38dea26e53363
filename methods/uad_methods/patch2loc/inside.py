"""The two terms of the anomaly score apart, and where the network thinks each patch was."""

from collections.abc import Mapping
from typing import Literal

import torch

from uad_bench import Component
from uad_bench.types import FloatArray
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.patches import Positions, cut, locations, padded
from uad_methods.patch2loc.scoring import Box

KINDS: Mapping[str, tuple[Literal["value", "shift"], str]] = {
    "log error": ("value", "log %²"),
    "log variance": ("value", "log %²"),
    "predicted place": ("shift", "voxels"),
}


def as_components(found: Mapping[str, FloatArray]) -> dict[str, Component]:
    """Volumes of what `inside` gives, by its names, with their kinds and units."""
    return {name: Component(values, *KINDS[name]) for name, values in found.items()}


def inside(net: Locator, images: torch.Tensor, height: torch.Tensor, where: torch.Tensor, side: int,
           box: Box | None = None, chunk: int = 512) -> dict[str, torch.Tensor]:  # fmt: skip
    """Of the pixels `where` (bool, n, X, Y), else 0: log ‖mean - place‖² and the mean log-variance, (n, X, Y), whose
    sum is the score; the predicted minus the true place, (n, 2, X, Y), in pixels. By the names of `KINDS`.

    box: slide the network over it, for encoders that can; None: patch by patch, `chunk` at a time. The network must
    be in eval mode.
    """
    mean, log_variance = (
        _slid(net, images, height, side, box) if box else _cut(net, images, height, where, side, chunk)
    )
    away = mean - locations(images).movedim(2, 0)  # percent, (n, 2, X, Y)
    pixels = away * away.new_tensor(images.shape[2:]).view(2, 1, 1) / 100
    return {
        "log error": torch.log((away**2).sum(1) + 1e-10) * where,
        "log variance": 0.5 * log_variance.sum(1) * where,
        "predicted place": pixels * where[:, None],
    }


def _slid(
    net: Locator, images: torch.Tensor, height: torch.Tensor, side: int, box: Box
) -> tuple[torch.Tensor, ...]:
    """Mean (percent) and log-variance, (n, 2, X, Y) each, of the pixels of `box`, else 0; in one pass."""
    x, y = box
    reach = padded(images, side)[:, :, x.start : x.stop + side - 1, y.start : y.stop + side - 1]
    size = len(images), x.stop - x.start, y.stop - y.start, 2
    maps = []
    for answer in net(reach, height, dense=True):
        whole = images.new_zeros(len(images), 2, *images.shape[2:])
        whole[:, :, x, y] = answer.float().view(size).movedim(3, 1)
        maps.append(whole)
    return tuple(maps)


def _cut(net: Locator, images: torch.Tensor, height: torch.Tensor, where: torch.Tensor, side: int,
         chunk: int) -> tuple[torch.Tensor, ...]:  # fmt: skip
    """The same of the pixels `where`, patch by patch."""
    slices = padded(images, side)
    maps = tuple(images.new_zeros(len(images), *images.shape[2:], 2) for _ in range(2))
    for part in torch.split(where.nonzero(), chunk):
        at = Positions(*part.unbind(1))
        for whole, answer in zip(maps, net(cut(slices, at, side), height[at.slice]), strict=True):
            whole[at] = answer.float()
    return tuple(whole.movedim(3, 1) for whole in maps)
