"""Layers that process only visible cells of an image (SparK, Tian et al. 2023, arXiv 2301.03580, section 3.1).

`keep` is (n, 1, gx, gy), 1 for a visible cell and 0 for a masked one, or None where all are visible. Features
are (n, C, X, Y) with X and Y multiples of gx and gy.
"""

import torch
from torch import nn


def mask_features(features: torch.Tensor, keep: torch.Tensor | None) -> torch.Tensor:
    """Features with masked cells set to 0, so that convolutions do not spread values into them."""
    return features if keep is None else features * upsample_mask(keep, features).to(features.dtype)


def upsample_mask(keep: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """`keep` at the resolution of the features, (n, 1, X, Y)."""
    x, y = (side // cells for side, cells in zip(features.shape[-2:], keep.shape[-2:], strict=True))
    return keep.repeat_interleave(x, dim=-2).repeat_interleave(y, dim=-1)


def masked_batch_norm(
    norm: nn.BatchNorm2d, features: torch.Tensor, keep: torch.Tensor | None
) -> torch.Tensor:
    """Batch normalisation with the statistics of visible positions only; masked positions are 0.

    Sums over all positions with weights 0 and 1: selecting the visible ones would need a synchronisation with
    the GPU to know their number.
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
    """Update the running statistics as `BatchNorm2d` does."""
    assert norm.running_mean is not None and norm.running_var is not None and norm.momentum is not None
    assert norm.num_batches_tracked is not None
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance, norm.momentum)
    norm.num_batches_tracked += 1
