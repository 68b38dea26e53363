"""Residuals of a reconstruction, and the two filters that some papers apply to them."""

import torch
from torch.nn import functional

from uad_bench.method.slices import Batch


def absolute_error(images: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """|x - x_hat| in float32, of the shape of both."""
    return (images - prediction.float()).abs()


def squared_error(images: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Mean of (x - x_hat)^2 in float32: a scalar."""
    return ((images - prediction.float()) ** 2).mean()


def residual(batch: Batch, prediction: torch.Tensor, *, positive: bool = False) -> torch.Tensor:
    """Anomaly map (n, X, Y), at least 0: the mean over modalities of |x - x_hat|; 0 outside the brain mask.

    prediction: x_hat (n, C, X, Y).
    positive: only pixels brighter than expected, max(x - x_hat, 0).
    """
    error = (
        (batch.image - prediction.float()).clamp(min=0)
        if positive
        else absolute_error(batch.image, prediction)
    )
    return error.mean(dim=1) * batch.brain


def eroded(mask: torch.Tensor, side: int) -> torch.Tensor:
    """Bool (n, X, Y): pixels whose `side` x `side` box lies inside `mask`; pixels beyond the slice count as outside."""
    reach = side // 2
    outside = functional.pad((~mask).float(), (reach,) * 4, value=1.0)
    return functional.max_pool2d(outside, side, stride=1) == 0


def median_2d(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Median of the `side` x `side` box around each pixel, (n, X, Y); reflected at the edges.

    Sides of the slice must exceed half of `side`.
    """
    reach = side // 2
    mirrored = functional.pad(maps[:, None], (reach,) * 4, mode="reflect")[:, 0]
    boxes = mirrored.unfold(1, side, 1).unfold(2, side, 1).flatten(3)
    return boxes.median(dim=3).values
