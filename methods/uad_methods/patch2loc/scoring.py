"""From what the network says about every patch to the anomaly score of the pixel in its centre."""

from collections.abc import Callable

import numpy as np
import torch

from uad_bench.types import BoolArray
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.patches import Positions, cut, locations, padded

Box = tuple[slice, slice]
#: Patches (k, C, side, side) and heights (k,) -> mean and log-variance (k, 2): a `Locator`, or a quicker form of it.
Locate = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def anomaly(mean: torch.Tensor, log_variance: torch.Tensor, location: torch.Tensor) -> torch.Tensor:
    """log(‖mean - location‖² + 1e-10) + half the sum of log-variances: (k, 2) each -> (k,).

    In float32: at half precision a location near 100 % is only known to 1/16 %.
    """
    error = ((mean.float() - location) ** 2).sum(1)
    return torch.log(error + 1e-10) + 0.5 * log_variance.float().sum(1)


def score_patches(net: Locate, images: torch.Tensor, height: torch.Tensor, where: torch.Tensor,
                  side: int, chunk: int = 512) -> torch.Tensor:  # fmt: skip
    """Scores (n, X, Y) of the pixels `where` (bool, n, X, Y), patch by patch, `chunk` at a time; else 0.

    images: (n, C, X, Y); height: (n,), percent of the volume. The network must be in eval mode.
    """
    slices, place = padded(images, side), locations(images)
    scores = torch.zeros(where.shape, device=images.device)
    for part in torch.split(where.nonzero(), chunk):
        at = Positions(*part.unbind(1))
        mean, log_variance = net(cut(slices, at, side), height[at.slice])
        scores[at] = anomaly(mean, log_variance, place[at.x, at.y])
    return scores


def score_dense(net: Locator, images: torch.Tensor, height: torch.Tensor, side: int,
                box: Box | None = None) -> torch.Tensor:  # fmt: skip
    """Scores (n, X, Y) of every pixel of `box` in one pass, 0 elsewhere; for encoders that can be slid.

    box: slices over x and y (default: all of them); a score does not depend on it. Else as `score_patches`.
    """
    x, y = box or (slice(0, images.shape[2]), slice(0, images.shape[3]))
    reach = padded(images, side)[:, :, x.start : x.stop + side - 1, y.start : y.stop + side - 1]
    mean, log_variance = net(reach, height, dense=True)
    place = locations(images)[x, y].expand(len(images), -1, -1, -1)
    scores = images.new_zeros(len(images), *images.shape[2:])
    scores[:, x, y] = anomaly(mean, log_variance, place.flatten(0, 2)).view(place.shape[:3])
    return scores


def brain_box(brain_mask: BoolArray) -> Box:
    """The smallest box over x and y that holds all brain of a volume (X, Y, Z)."""
    x, y = (np.flatnonzero(brain_mask.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    return slice(int(x[0]), int(x[-1]) + 1), slice(int(y[0]), int(y[-1]) + 1)
