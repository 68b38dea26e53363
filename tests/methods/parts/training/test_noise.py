"""Coarse noise: grid, statistics and roll; noise summed over several grids; noise of tokens."""

import numpy as np
import pytest
import torch

from uad_methods.parts.training.noise import (
    coarse_noise,
    coarse_shape,
    jittered,
    pyramid_noise,
    pyramid_sides,
)


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


def generators(seed=0):
    return np.random.default_rng(seed), torch.Generator().manual_seed(seed)


def test_pyramid_sides_are_divided_cumulatively_until_one_is_1():
    class Fixed:
        def uniform(self, low, high):
            assert (low, high) == (2, 4)
            return 2.0

    assert pyramid_sides((64, 40), Fixed()) == [(64, 40), (32, 20), (8, 5), (1, 1)]
    assert pyramid_sides((3, 200), Fixed()) == [(3, 200), (1, 100)]


@pytest.mark.parametrize("per_item", [False, True])
def test_pyramid_noise_has_standard_deviation_1_in_the_batch_or_in_each_item(per_item):
    noise = pyramid_noise((4, 2, 32, 24), 0.9, *generators(), per_item=per_item)
    deviations = noise.std(dim=(1, 2, 3))
    assert noise.shape == (4, 2, 32, 24)
    if per_item:
        torch.testing.assert_close(deviations, torch.ones(4))
    else:
        assert float(noise.std()) == pytest.approx(1, abs=1e-5) and (deviations - 1).abs().max() > 1e-3


def test_pyramid_noise_correlates_neighbours_and_more_with_a_larger_discount():
    def correlation(noise):
        flat = noise[:, :, 1:].flatten(), noise[:, :, :-1].flatten()
        return np.corrcoef(*(part.numpy() for part in flat))[0, 1]

    found = [correlation(pyramid_noise((16, 1, 64, 64), d, *generators(1))) for d in (0.0, 0.5, 0.9)]
    assert abs(found[0]) < 0.02
    assert 0.05 < found[1] < 0.5 * found[2]


def test_noise_of_a_token_is_in_proportion_to_its_length_over_its_channels():
    tokens = torch.stack([torch.full((50_000,), 2.0), torch.full((50_000,), 0.5)])
    noise = jittered(tokens, 20.0, torch.Generator().manual_seed(0)) - tokens
    expected = 20 * tokens.norm(dim=1) / 50_000  # 20 x 2 x sqrt(50000) / 50000 = 0.179
    torch.testing.assert_close(noise.std(dim=1), expected, rtol=0.02, atol=0)
    assert torch.equal(jittered(tokens, 0.0, torch.Generator().manual_seed(0)), tokens)
