"""Geometric mean against scipy, the floor, small values."""

import numpy as np
import torch
from scipy import stats

from uad_methods.parts.images.geometric_mean import GeometricMean


def mean_of(maps, floor=1e-12):
    mean = GeometricMean(floor)
    for one in maps:
        mean.add(one)
    return mean.result()


def test_the_mean_equals_scipy_s_and_is_at_most_the_arithmetic_mean():
    maps = torch.rand(7, 5, 6) + 1e-3
    found = mean_of(maps).numpy()
    np.testing.assert_allclose(found, stats.gmean(maps.numpy()), rtol=1e-5)
    assert (found <= maps.mean(dim=0).numpy()).all()


def test_equal_maps_have_that_mean_and_tiny_ones_do_not_underflow():
    torch.testing.assert_close(mean_of([torch.full((2,), 0.3)] * 4), torch.full((2,), 0.3))
    np.testing.assert_allclose(mean_of([torch.full((2,), 1e-10)] * 100).numpy(), 1e-10, rtol=1e-4)


def test_a_zero_counts_as_the_floor():
    found = mean_of([torch.tensor([0.0]), torch.tensor([1.0])], floor=1e-6)
    np.testing.assert_allclose(found.numpy(), [1e-3], rtol=1e-5)
