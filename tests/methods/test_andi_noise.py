"""ANDi: the noise of training and of the levels at test time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.methods.test_andi import clean_slices, coefficients, with_network
from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.andi import ANDi


def test_training_noise_is_of_the_kind_that_is_set():
    like = torch.zeros(16, 1, 32, 32)

    def correlation(**parameters):
        noise = ANDi(**parameters)._training_noise(like, 0, Context())
        assert noise.std().item() == pytest.approx(1, abs=0.02)
        return np.corrcoef(noise[..., 1:].flatten(), noise[..., :-1].flatten())[0, 1]

    assert abs(correlation(noise="gaussian")) < 0.03 and correlation() > 0.1


def test_discount_and_normalisation_of_training_noise_are_as_set():
    def drawn(**parameters):
        return ANDi(**parameters)._training_noise(torch.zeros(16, 1, 32, 32), 0, Context())

    def correlation(noise):
        return np.corrcoef(noise[..., 1:].flatten(), noise[..., :-1].flatten())[0, 1]

    assert correlation(drawn(discount=0.5)) < 0.7 * correlation(drawn())
    each = drawn(per_item=True).std(dim=(1, 2, 3))
    torch.testing.assert_close(each, torch.ones(16))
    assert drawn().std(dim=(1, 2, 3)).std() > 0.01


def test_noise_at_test_time_is_gaussian_and_new_for_each_level_case_and_seed():
    (scan,) = toy_scans(1, shape=(32, 32, 8))
    clean = clean_slices(scan)

    def fields(scan, ctx):
        """The noise of two levels, (2, n, C, X, Y)."""
        method = with_network(lambda z, t: torch.zeros_like(z), scan, start=300, stop=100, every=100)
        method.score(scan, ctx)
        found = []
        for z, t in method.net_.inputs:
            alpha, sigma = coefficients(float(t[0]), 32)
            found.append((z - alpha * clean) / sigma)
        return torch.stack(found)

    def correlation(a, b):
        return abs(np.corrcoef(a.flatten(), b.flatten())[0, 1])

    one = fields(scan, Context())
    assert one.std() == pytest.approx(1, abs=0.03)
    assert correlation(one[..., 1:], one[..., :-1]) < 0.05 and correlation(*one) < 0.05
    assert correlation(one[:, 1:], one[:, :-1]) < 0.05  # slices
    assert correlation(one, fields(replace(scan, case_id="other"), Context())) < 0.05
    assert correlation(one, fields(scan, Context(seed=1))) < 0.05
    assert torch.equal(one, fields(scan, Context()))
