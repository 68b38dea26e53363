"""Random training masks: sizes, places, counts."""

import numpy as np
import pytest
import torch

from uad_methods.parts.iterative_masks import random_masks as module
from uad_methods.parts.iterative_masks.random_masks import cloud_density, draw_clouds, random_masks


def brain(count=64, side=60):
    mask = torch.zeros(count, side, side, dtype=torch.bool)
    mask[:, 10:50, 5:45] = True
    return mask


def test_hidden_pixels_are_in_the_brain_and_no_slice_is_the_same():
    mask, hidden = brain(), random_masks(brain(), np.random.default_rng(0))
    assert hidden.dtype == torch.bool and hidden.shape == mask.shape and not (hidden & ~mask).any()
    share = hidden.sum(dim=(1, 2)) / 1600
    assert share.min() < 0.1 and share.max() > 0.4 and 0.1 < share.mean() < 0.3
    assert len({one.numpy().tobytes() for one in hidden}) == len(mask)


def test_the_same_generator_draws_the_same_masks():
    one, same, other = (random_masks(brain(), np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_numbers_of_squares_are_the_published_ones():
    clouds = draw_clouds(3000, 1.0, np.random.default_rng(0))
    small, middle, large = ((clouds.sides == side).sum(axis=1) for side in (4, 8, 16))
    assert (middle.min(), middle.max(), large.min(), large.max()) == (5, 9, 3, 9)
    assert set(np.unique(clouds.sides)) <= {0, 4, 8, 16}
    place, *deviations, correlation = clouds.numbers
    wide = small > 20.01 * 10  # narrow clouds have at most 20 sqrt(10 * 10)
    product = np.prod(deviations, axis=0)
    assert ((small[wide] >= 99 * product[wide] / 100 - 1) & (small[wide] <= 201 * product[wide] / 100)).all()
    assert place.min() >= 0 and place.max() < 1 and np.abs(correlation).max() < 0.95
    assert np.mean(np.array(deviations).max(axis=0) > 2.5 * 10**0.5) == pytest.approx(0.61, abs=0.08)


def test_lengths_grow_with_the_side():
    published, half = (draw_clouds(50, scale, np.random.default_rng(0)) for scale in (1.0, 0.5))
    assert set(np.unique(half.sides)) <= {0, 2, 4, 8}
    np.testing.assert_allclose(half.numbers[1:3], published.numbers[1:3] / 2)


def test_the_density_is_a_normal_distribution_in_the_brain():
    numbers = torch.tensor([[0.5], [4.0], [8.0], [0.6]], dtype=torch.float64)
    mask = brain(1)
    found = cloud_density(mask, numbers)[0].numpy()
    x, y = np.unravel_index(found.argmax(), found.shape)
    assert found.max() == 1 and (x, y) == (30, 5)  # pixel 800 of 40 x 40
    covariance = np.array([[16, 0.6 * 32], [0.6 * 32, 64]])
    offset = np.array([3, 6])
    expected = np.exp(-0.5 * offset @ np.linalg.solve(covariance, offset))
    assert found[x + 3, y + 6] == pytest.approx(expected) and (found[~mask[0].numpy()] == 0).all()


def test_rows_follow_the_weights_and_never_have_the_weight_zero():
    weights = torch.tensor([[0.0, 1.0, 0.0, 3.0, 0.0]], dtype=torch.float64)
    place = torch.linspace(0, 1, 4001)[None, :-1]
    found = module._drawn(weights, place)[0]
    assert torch.bincount(found, minlength=5).tolist() == [0, 1000, 0, 3000, 0]


def test_a_square_reaches_from_its_corner_to_larger_indices():
    covered = module._covered(torch.tensor([[2, 4, 0]]), torch.tensor([[2, 4, 0]]), 5)
    assert covered[0].tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 1], [0] * 5]


def test_a_slice_without_brain_hides_nothing():
    assert not random_masks(torch.zeros(4, 20, 20, dtype=torch.bool), np.random.default_rng(0)).any()
