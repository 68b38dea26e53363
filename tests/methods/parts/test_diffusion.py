"""Schedules, forward and reverse process against closed forms and MONAI."""

import numpy as np
import pytest
import torch

from uad_methods.parts.diffusion import (
    clean_from_noise,
    coefficients,
    cosine,
    linear,
    noise_from_clean,
    q_sample,
    reverse_step,
    reverse_timesteps,
)
from uad_methods.parts.training.draws import noise_fields


def test_the_cosine_schedule_equals_its_closed_form_until_beta_is_clipped():
    def curve(t):
        return np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2

    t = np.arange(1, 1000)
    np.testing.assert_allclose(cosine()[:999], curve(t) / curve(0), rtol=1e-5)
    assert cosine()[999] == pytest.approx(
        cosine()[998] * 0.001
    )  # the last beta is clipped at 0.999 instead of 1


def test_coefficients_are_those_of_the_published_baseline():
    clean, noise = coefficients(cosine(), torch.tensor([249, 499, 749]))
    np.testing.assert_allclose(clean.ravel(), [0.920, 0.703, 0.380], atol=1e-3)
    np.testing.assert_allclose(noise.ravel(), [0.391, 0.711, 0.925], atol=1e-3)


def test_the_linear_schedule_is_the_product_of_its_betas():
    expected, product = [], 1.0
    for t in range(1000):
        product *= 1 - (1e-4 + (0.02 - 1e-4) * t / 999)
        expected.append(product)
    np.testing.assert_allclose(linear(), expected, rtol=1e-9)
    assert linear(100)[-1] == pytest.approx(linear()[-1], rel=0.5)  # as noisy at the end


@pytest.mark.parametrize(("ours", "theirs"), [(cosine, "cosine"), (linear, "linear_beta")])
def test_schedules_equal_monai(ours, theirs):
    schedulers = pytest.importorskip("monai.networks.schedulers")
    betas = {} if theirs == "cosine" else {"beta_start": 1e-4, "beta_end": 0.02}
    found = schedulers.DDPMScheduler(num_train_timesteps=1000, schedule=theirs, **betas)
    np.testing.assert_allclose(found.alphas_cumprod, ours(), atol=1e-5)


def test_a_noised_slice_has_the_mean_and_deviation_of_its_timestep():
    noise = noise_fields("gaussian", 2, (1, 150, 150), np.random.default_rng(0), "cpu")
    t = torch.tensor([100, 700])
    found = q_sample(torch.full_like(noise, 0.5), noise, t, cosine())
    clean, rest = (share.ravel() for share in coefficients(cosine(), t))
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), 0.5 * clean, atol=0.02, rtol=0)
    torch.testing.assert_close(found.std(dim=(1, 2, 3)), rest, atol=0.02, rtol=0)


@pytest.mark.parametrize("schedule", [cosine(), linear()])
def test_clean_slice_and_noise_are_recovered_from_each_other(schedule):
    clean, noise, t = torch.randn(3, 2, 5, 4), torch.randn(3, 2, 5, 4), torch.tensor([0, 400, 900])
    x = q_sample(clean, noise, t, schedule)
    torch.testing.assert_close(clean_from_noise(x, noise, t, schedule), clean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(noise_from_clean(x, clean, t, schedule), noise, atol=1e-4, rtol=1e-3)


def test_reverse_timesteps_end_at_the_clean_slice():
    assert reverse_timesteps(3) == [(3, 2), (2, 1), (1, 0), (0, -1)]
    assert reverse_timesteps(5, 3) == [(5, 2), (2, -1)]


@pytest.mark.parametrize("every", [1, 7])
def test_a_reverse_step_gives_the_moments_of_the_forward_process(every):
    """With the true x_0: x_t of mean sqrt(a) x_0 goes to x_s of mean sqrt(a_s) x_0, and the last step to x_0."""
    abar, t, clean = linear(), 300, torch.tensor([0.7])
    mean = float(np.sqrt(abar[t])) * clean
    found = reverse_step(mean, clean, torch.zeros(1), (t, t - every), abar)
    torch.testing.assert_close(found, float(np.sqrt(abar[t - every])) * clean)
    assert torch.equal(reverse_step(torch.randn(1), clean, torch.randn(1), (t, -1), abar), clean)


def test_a_reverse_step_adds_noise_of_variance_beta():
    abar, x = linear(), torch.zeros(1)
    beta = 1e-4 + (0.02 - 1e-4) * 300 / 999
    one = reverse_step(x, x, torch.ones(1), (300, 299), abar)
    assert float(one) ** 2 == pytest.approx(beta, rel=1e-6)
    of_x = reverse_step(torch.ones(1), x, x, (300, 299), abar)
    assert float(of_x) == pytest.approx(np.sqrt(1 - beta) * (1 - abar[299]) / (1 - abar[300]), rel=1e-6)
