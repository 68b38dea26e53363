"""VAE: KL term and its gradient, sampled codes, product map."""

import numpy as np
import pytest
import torch
from torch import distributions

from uad_bench import Context
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.ae import AE
from uad_methods.vae import VAE, kl_divergence

SHAPE = (16, 24)


def untrained(cls, **parameters):
    method = cls(**parameters)
    method.channels_, method.shape_ = 1, (*SHAPE, 4)
    torch.manual_seed(0)
    method.net_ = method.build()
    return method


def test_kl_divergence_equals_torch_distributions():
    mean, log_sigma = torch.randn(6, 128), torch.randn(6, 128)
    expected = distributions.kl_divergence(
        distributions.Normal(mean, log_sigma.exp()), distributions.Normal(0.0, 1.0)
    ).sum(dim=1)
    torch.testing.assert_close(kl_divergence(mean, log_sigma), expected)
    assert (expected > 0).all()


def test_kl_divergence_is_zero_for_the_standard_normal():
    assert (kl_divergence(torch.zeros(3, 8), torch.zeros(3, 8)) == 0).all()


def test_the_loss_is_that_of_the_ae_plus_the_weighted_divergence():
    plain, weighted = untrained(VAE, kl=0.0), untrained(VAE, kl=2.5)
    images = torch.rand(4, 1, *SHAPE)
    for method in (plain, weighted):
        method.net_.eval()
    seen = plain.net_(images)
    expected = AE.loss(plain, images, Context()) + 2.5 * kl_divergence(seen.mean, seen.log_sigma).mean()
    torch.testing.assert_close(weighted.loss(images, Context()), expected)


def test_the_code_is_sampled_in_training_and_fixed_at_test_time():
    net, images = untrained(VAE, dropout=0.0).net_, torch.rand(4, 1, *SHAPE)
    assert not torch.equal(net(images).image, net(images).image)
    net.eval()
    assert torch.equal(net(images).image, net(images).image)


def test_the_gradient_of_the_divergence_equals_finite_differences():
    method = untrained(VAE)
    method.net_.double().eval()
    images, step = torch.rand(2, 1, *SHAPE, dtype=torch.float64), 1e-6
    found = method.kl_gradient(images)

    def divergences(shift, at):
        moved = images.clone()
        moved[at] += shift
        with torch.no_grad():
            seen = method.net_(moved)
        return float(kl_divergence(seen.mean, seen.log_sigma).sum())

    for at in ((0, 0, 3, 5), (0, 0, 12, 20), (1, 0, 8, 8), (1, 0, 0, 23)):
        kl_gradient = (divergences(step, at) - divergences(-step, at)) / (2 * step)
        assert float(found[at]) == pytest.approx(kl_gradient, rel=1e-4, abs=1e-9)
    assert all(p.grad is None for p in method.net_.parameters())


def test_the_product_is_gradient_times_residual_and_slices_are_independent():
    scans, maps = toy_scans(2), {}
    for scored in ("residual", "gradient", "product"):
        method = VAE(**{**VAE.tiny, "scored": scored})
        method.fit(scans, scans, Context())
        maps[scored] = method.score(scans[0], Context())
        single = method.score_slices(scans[0], Context(), method._residual, 1)
        np.testing.assert_allclose(maps[scored], single, rtol=1e-3, atol=1e-6)
        assert variant(method) == ("" if scored == "residual" else scored)
    np.testing.assert_allclose(maps["product"], maps["gradient"] * maps["residual"], rtol=1e-5)
    assert maps["gradient"].max() > 0 and (maps["gradient"][~scans[0].brain_mask] == 0).all()
