"""Continuous-time diffusion: schedule, v-parametrisation, weight of the clean slice in the posterior mean."""

import math

import numpy as np
import pytest
import torch

from uad_methods.parts.log_snr import alpha_sigma, clean_from_v, cosine_log_snr, mean_weight, noise_from_v

LEVELS = np.arange(125, 25, -1) / 1000


def test_the_schedule_runs_from_15_to_minus_15_and_is_shifted_by_the_side():
    np.testing.assert_allclose(cosine_log_snr([0, 0.5, 1], 56), [15, 0, -15], atol=1e-9)
    np.testing.assert_allclose(cosine_log_snr([0, 0.5, 1], 224) + 2 * math.log(4), [15, 0, -15], atol=1e-9)
    assert cosine_log_snr(0.5, 224) == pytest.approx(-2.773, abs=1e-3)


def test_alpha_and_sigma_preserve_the_variance_and_have_the_published_values_at_224_pixels():
    log_snr = cosine_log_snr(np.linspace(0, 1, 101), 224)
    alpha, sigma = alpha_sigma(log_snr)
    np.testing.assert_allclose(alpha**2 + sigma**2, 1, atol=1e-12)
    np.testing.assert_allclose(2 * np.log(alpha / sigma), log_snr, atol=1e-6)
    ends = cosine_log_snr(LEVELS[[0, -1]], 224)
    np.testing.assert_allclose(ends, [0.45, 3.60], atol=5e-3)
    np.testing.assert_allclose(alpha_sigma(ends)[1], [0.62, 0.16], atol=5e-3)


def test_slice_and_noise_follow_from_v():
    x, n, (alpha, sigma) = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4), (0.8, 0.6)
    z, v = alpha * x + sigma * n, alpha * n - sigma * x
    torch.testing.assert_close(clean_from_v(z, v, alpha, sigma), x)
    torch.testing.assert_close(noise_from_v(z, v, alpha, sigma), n)


def test_the_constant_of_the_published_settings():
    weights = mean_weight(LEVELS, LEVELS - 0.001, 224)
    assert np.exp(np.log(weights**2).mean()) == pytest.approx(6.644e-4, rel=1e-4)


def test_the_weight_is_that_of_the_gaussian_posterior():
    """q(z_s | z_t, x) from the joint Gaussian of z_s and z_t, where z_t is z_s, scaled and noised further."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = (alpha_sigma(cosine_log_snr(t, 100)) for t in (0.4, 0.3))
    scale = alpha_t / alpha_s  # the covariance of z_s and z_t is scale sigma_s^2
    expected = alpha_s - scale * sigma_s**2 / sigma_t**2 * alpha_t
    assert mean_weight(0.4, 0.3, 100) == pytest.approx(expected, rel=1e-9)
