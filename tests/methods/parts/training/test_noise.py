"""Coarse noise: grid, statistics and roll; noise of tokens."""

import numpy as np
import pytest
import torch

from uad_methods.parts.training.noise import coarse_noise, coarse_shape, jittered


def test_coarse_cells_are_square_and_the_longer_side_has_sixteen():
    assert coarse_shape((128, 128), 16) == (16, 16)
    assert coarse_shape((80, 96), 16) == (13, 16)
    assert coarse_shape((5, 96), 16) == (2, 16)


def test_noise_has_the_statistics_of_interpolated_gaussian_numbers():
    noise = coarse_noise(64, 2, (128, 128), 16, (0, 0), torch.Generator().manual_seed(0)).double()
    assert abs(float(noise.mean())) < 0.02
    # Linear between two nodes: variance t^2 + (1 - t)^2, at pixels at a distance of 15/127 cells; squared for two axes.
    t = np.arange(128) * 15 / 127 % 1
    expected = float(np.mean(t**2 + (1 - t) ** 2))
    assert float(noise.std()) == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(2 / 3, abs=0.01)
    assert abs(np.corrcoef(noise[:, 0].flatten(), noise[:, 1].flatten())[0, 1]) < 0.05
    steps = noise.diff(dim=2).std() / noise.std()
    assert float(steps) < 0.25  # neighbouring pixels are similar: coarse, not pixel-wise noise


def test_the_whole_batch_is_rolled_by_the_same_shift():
    still = coarse_noise(3, 1, (32, 40), 8, (0, 0), torch.Generator().manual_seed(1))
    rolled = coarse_noise(3, 1, (32, 40), 8, (5, 11), torch.Generator().manual_seed(1))
    assert torch.equal(rolled, still.roll((5, 11), (2, 3)))


def test_noise_of_a_token_is_in_proportion_to_its_length_over_its_channels():
    tokens = torch.stack([torch.full((50_000,), 2.0), torch.full((50_000,), 0.5)])
    noise = jittered(tokens, 20.0, torch.Generator().manual_seed(0)) - tokens
    expected = 20 * tokens.norm(dim=1) / 50_000  # 20 x 2 x sqrt(50000) / 50000 = 0.179
    torch.testing.assert_close(noise.std(dim=1), expected, rtol=0.02, atol=0)
    assert torch.equal(jittered(tokens, 0.0, torch.Generator().manual_seed(0)), tokens)
