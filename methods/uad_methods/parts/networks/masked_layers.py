"""Layers that look at some cells of an image alone, by masks (Tian et al. 2023, arXiv 2301.03580, section 3.1).

`keep` is (n, 1, gx, gy), 1 for a cell that is seen and 0 for one that is not, or None where all are. Features are
(n, C, X, Y) with X and Y multiples of gx and gy.
"""

import torch
from torch import nn


def mask_features(features: torch.Tensor, keep: torch.Tensor | None) -> torch.Tensor:
    """Features with 0 where the cell is not kept: so a convolution that reached over the edge says nothing there."""
    return features if keep is None else features * upsample_mask(keep, features).to(features.dtype)


def upsample_mask(keep: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """`keep` at the resolution of the features, (n, 1, X, Y)."""
    x, y = (side // cells for side, cells in zip(features.shape[-2:], keep.shape[-2:], strict=True))
    return keep.repeat_interleave(x, dim=-2).repeat_interleave(y, dim=-1)


def masked_batch_norm(
    norm: nn.BatchNorm2d, features: torch.Tensor, keep: torch.Tensor | None
) -> torch.Tensor:
    """Batch normalisation with the statistics of kept positions alone, 0 at the others.

    Sums over all positions with weights of 0 and 1: to pick the kept ones, a GPU would have to tell how many.
    """
    if keep is None or not norm.training:
        return mask_features(norm(features), keep)
    with torch.autocast(features.device.type, enabled=False):
        weight, values = upsample_mask(keep, features).float(), features.float()
        count = weight.sum()
        mean = (values * weight).sum(dim=(0, 2, 3)) / count
        centred = (values - mean[:, None, None]) * weight
        variance = centred.square().sum(dim=(0, 2, 3)) / count
        _update_running_statistics(
            norm, mean.detach(), (variance * count / (count - 1).clamp(min=1)).detach()
        )
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return centred * scale[:, None, None] + norm.bias[:, None, None] * weight


def _update_running_statistics(norm: nn.BatchNorm2d, mean: torch.Tensor, variance: torch.Tensor) -> None:
    """The running statistics, moved on as `BatchNorm2d` moves them."""
    assert norm.running_mean is not None and norm.running_var is not None and norm.momentum is not None
    assert norm.num_batches_tracked is not None
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance, norm.momentum)
    norm.num_batches_tracked += 1
