"""Losses and their gradients against their formulas."""

import numpy as np
import pytest
import torch

from uad_methods.patch2loc.loss import beta_nll, location_loss


def three_patches() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(3)
    mean, log_variance, target = (torch.from_numpy(rng.normal(size=(3, 2)) * s) for s in (9, 2, 9))
    return mean.requires_grad_(), log_variance.requires_grad_(), target


def test_beta_nll_value_and_gradient_follow_the_formula() -> None:
    mean, log_variance, target = three_patches()
    beta_nll(mean, log_variance, target, 0.5).backward()
    m, s, t = (v.detach().numpy() for v in (mean, log_variance, target))
    variance = np.exp(s)
    loss = (0.5 * ((t - m) ** 2 / variance + s) * variance**0.5).sum(1).mean()
    assert beta_nll(mean, log_variance, target, 0.5).item() == pytest.approx(loss, rel=1e-12)
    by_mean = (m - t) / variance * variance**0.5 / 3
    by_s = 0.5 * (1 - (t - m) ** 2 / variance) * variance**0.5 / 3
    np.testing.assert_allclose(mean.grad, by_mean, rtol=1e-10)
    np.testing.assert_allclose(log_variance.grad, by_s, rtol=1e-10)


def test_mse_gives_the_variance_no_gradient() -> None:
    mean, log_variance, target = three_patches()
    loss = location_loss("mse", mean, log_variance, target, beta=0.5)
    assert loss.item() == pytest.approx(0.5 * ((mean - target) ** 2).sum().item() / 3, rel=1e-6)
    assert torch.autograd.grad(loss, log_variance, allow_unused=True) == (None,)


def test_stirn_has_the_gradients_of_mse_for_the_mean_and_of_the_likelihood_for_the_variance() -> None:
    mean, log_variance, target = three_patches()
    by_mean, by_s = torch.autograd.grad(
        location_loss("stirn", mean, log_variance, target, beta=0.5), (mean, log_variance)
    )
    np.testing.assert_allclose(by_mean, (mean - target).detach() / 3, rtol=1e-5)
    share = ((target - mean) ** 2 / torch.exp(log_variance)).detach()
    np.testing.assert_allclose(by_s, 0.5 * (1 - share) / 3, rtol=1e-5)
