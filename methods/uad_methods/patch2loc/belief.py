"""Predictive distributions ("beliefs") of a patch's location: a Gaussian, a correlated Gaussian, or a mixture of two.

For k patches a belief is a mean (k, 2 per component) and a spread (k, numbers), float32, in percent of the
slice:

  diagonal  mean (x, y);          spread: log-variances of x and y. The published network.
  full      mean (x, y);          spread: the same and r, where tanh r is the correlation of x and y.
  mixture   means (x, y, x', y'); spread: log-variances of both components and the logit of the first's weight.

The mixture represents the mirror ambiguity: a patch of one hemisphere resembles the mirrored one of the
other.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch.nn import functional

from uad_methods.patch2loc.loss import beta_nll

BeliefName = Literal["diagonal", "full", "mixture"]
EPSILON = 1e-10  # percent²: added to the squared error, as published


class Sizes(NamedTuple):
    """Number of outputs of the two heads, and the location (percent) that an untrained network predicts."""

    mean: int
    spread: int
    centre: tuple[float, ...]


SIZES: dict[BeliefName, Sizes] = {
    "diagonal": Sizes(2, 2, (50.0, 50.0)),
    "full": Sizes(2, 3, (50.0, 50.0)),
    "mixture": Sizes(4, 5, (30.0, 50.0, 70.0, 50.0)),  # one hemisphere each
}


class ScoreTerms(NamedTuple):
    """The two terms of the anomaly score, (k,) each: log squared location error, and log spread of the belief."""

    log_error: torch.Tensor
    log_spread: torch.Tensor

    @property
    def score(self) -> torch.Tensor:
        """Sum of the two terms, higher = more anomalous."""
        return self.log_error + self.log_spread


def belief_loss(
    name: BeliefName, mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor, beta: float
) -> torch.Tensor:
    """Weighted negative log-likelihood, up to a constant, of the true locations `target` (k, 2): a scalar.

    Each patch is weighted by the geometric mean of its variances to the power of `beta`, without gradient;
    the mean is over patches. For `diagonal` this is the published loss, in which every axis has its own
    weight.
    """
    if name == "diagonal":
        return beta_nll(mean, spread, target, beta)
    likelihood, log_spread = _full(mean, spread, target) if name == "full" else _mixture(mean, spread, target)
    return (torch.exp(beta * log_spread.detach()) * likelihood).mean()


def score_terms(
    name: BeliefName, mean: torch.Tensor, spread: torch.Tensor, truth: torch.Tensor
) -> ScoreTerms:
    """Terms of the anomaly score of beliefs, given the true locations `truth` (k, 2), percent.

    One Gaussian: log(|mean - truth|^2 + 1e-10), and half the log-determinant of the covariance (for
    independent axes half the sum of the log-variances). Mixture: those of the component with the highest
    density at the truth, minus the log of its weight, so that a location on the side that the network
    considers unlikely scores higher.
    """
    mean, spread = mean.float(), spread.float()  # in half precision a location near 100 % has steps of 1/16 %
    if name == "mixture":
        return _mixture_score_terms(mean, spread, truth)
    log_spread = 0.5 * spread[:, :2].sum(1)
    if name == "full":
        log_spread = log_spread + 0.5 * _log_one_minus_r2(spread[:, 2])
    return ScoreTerms(torch.log(((mean - truth) ** 2).sum(1) + EPSILON), log_spread)


def product(means: list[torch.Tensor], spreads: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Product of independent Gaussian beliefs with independent axes: mean and log-variance, (k, 2) each.

    Precisions are added and weigh the means (product of experts, Hinton 2002).
    """
    log_precision = torch.stack([-spread.float() for spread in spreads])
    weight = torch.softmax(log_precision, dim=0)
    mean = (weight * torch.stack([mean.float() for mean in means])).sum(0)
    return mean, -torch.logsumexp(log_precision, dim=0)


def _log_one_minus_r2(r: torch.Tensor) -> torch.Tensor:
    """log(1 - tanh(r)^2), stable for any r."""
    return -2 * (functional.softplus(2 * r) - r - math.log(2.0))


def _full(
    mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Negative log-likelihood, and half the log-determinant of the covariance, of each patch, (k,) each."""
    x, y = ((target - mean) * torch.exp(-0.5 * spread[:, :2])).unbind(1)
    log_one_minus_r2 = _log_one_minus_r2(spread[:, 2])
    distance = (x**2 + y**2 - 2 * torch.tanh(spread[:, 2]) * x * y) * torch.exp(-log_one_minus_r2)
    log_spread = 0.5 * (spread[:, 0] + spread[:, 1] + log_one_minus_r2)
    return 0.5 * distance + log_spread, log_spread


def _component_terms(
    mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log(weight x density) at the target, and half the sum of log-variances, of both components; (k, 2) each."""
    squared_distance = (target[:, None] - mean.view(-1, 2, 2)) ** 2  # (k, component, axis)
    log_variance = spread[:, :4].reshape(-1, 2, 2)
    log_spread = 0.5 * log_variance.sum(2)
    density = -0.5 * (squared_distance * torch.exp(-log_variance)).sum(2) - log_spread
    return _log_weights(spread) + density, log_spread


def _log_weights(spread: torch.Tensor) -> torch.Tensor:
    return functional.logsigmoid(torch.stack([spread[:, 4], -spread[:, 4]], dim=1))


def _mixture(
    mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Negative log-likelihood, and log-spread averaged with the components' posterior weights, (k,) each."""
    joint, log_spread = _component_terms(mean, spread, target)
    return -torch.logsumexp(joint, dim=1), (torch.softmax(joint, dim=1) * log_spread).sum(1)


def _mixture_score_terms(mean: torch.Tensor, spread: torch.Tensor, truth: torch.Tensor) -> ScoreTerms:
    joint, log_spread = _component_terms(mean, spread, truth)
    best = joint.argmax(dim=1, keepdim=True)
    error = ((truth[:, None] - mean.view(-1, 2, 2)) ** 2).sum(2)
    log_spread_less_weight = log_spread - _log_weights(spread)
    return ScoreTerms(
        torch.log(error.gather(1, best)[:, 0] + EPSILON), log_spread_less_weight.gather(1, best)[:, 0]
    )
