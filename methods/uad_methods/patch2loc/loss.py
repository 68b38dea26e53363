"""Losses of a regression that predicts its own variance. All take and give float32.

mean, log_variance, target: (k, 2), one row a patch, one column an axis. Every loss is the mean over patches
of the sum over the two axes.
"""

from typing import Literal

import torch

LossName = Literal["beta_nll", "mse", "stirn"]


def gaussian_nll(mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Per patch and axis: 0.5 · ((target - mean)² / exp(s) + s), s the log-variance; (k, 2)."""
    return 0.5 * ((target - mean) ** 2 * torch.exp(-log_variance) + log_variance)


def beta_nll(
    mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """The Gaussian likelihood weighted by variance^beta without its gradient (Seitzer et al. 2022, eq. 5)."""
    weight = torch.exp(beta * log_variance.detach())
    return (weight * gaussian_nll(mean, log_variance, target)).sum(1).mean()


def half_square(mean: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """0.5 · squared error: the Gaussian likelihood at unit variance."""
    return 0.5 * ((target - mean) ** 2).sum(1).mean()


def faithful(mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean by its squared error, the variance around a mean held fixed (Stirn et al. 2023, section 3).

    The log-variance must come from a latent without gradient, so that it cannot move the mean's encoder.
    """
    return half_square(mean, target) + gaussian_nll(mean.detach(), log_variance, target).sum(1).mean()


def location_loss(
    name: LossName, mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """The loss called `name`; `beta` matters to beta_nll only."""
    mean, log_variance = mean.float(), log_variance.float()
    if name == "mse":
        return half_square(mean, target)
    if name == "stirn":
        return faithful(mean, log_variance, target)
    return beta_nll(mean, log_variance, target, beta)
