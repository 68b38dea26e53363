"""Losses of a regression that predicts its own variance; all in float32.

mean, log_variance, target: (k, 2), one row per patch, one column per axis. Every loss is summed over the two
axes and averaged over patches: a scalar.
"""

from typing import Literal

import torch

LossName = Literal["beta_nll", "mse", "stirn"]


def gaussian_nll(mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """0.5 ((target - mean)^2 / exp(s) + s) per patch and axis, (k, 2), with s the log-variance."""
    return 0.5 * ((target - mean) ** 2 * torch.exp(-log_variance) + log_variance)


def beta_nll(
    mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """Gaussian negative log-likelihood, weighted by variance^beta without gradient (Seitzer et al. 2022, eq. 5)."""
    weight = torch.exp(beta * log_variance.detach())
    return (weight * gaussian_nll(mean, log_variance, target)).sum(1).mean()


def half_square(mean: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """0.5 (target - mean)^2, the Gaussian negative log-likelihood with unit variance."""
    return 0.5 * ((target - mean) ** 2).sum(1).mean()


def faithful(mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared error for the mean, likelihood with detached mean for the variance (Stirn et al. 2023, section 3).

    The log-variance must come from a latent without gradient, so that it does not affect the mean's encoder.
    """
    return half_square(mean, target) + gaussian_nll(mean.detach(), log_variance, target).sum(1).mean()


def location_loss(
    name: LossName, mean: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """The loss called `name`; only beta_nll uses `beta`."""
    mean, log_variance = mean.float(), log_variance.float()
    if name == "mse":
        return half_square(mean, target)
    if name == "stirn":
        return faithful(mean, log_variance, target)
    return beta_nll(mean, log_variance, target, beta)
