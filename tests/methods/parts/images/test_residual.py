"""Residuals against numpy, erosion and median filter against scipy."""

import numpy as np
import torch
from scipy import ndimage

from uad_bench.method.slices import Batch
from uad_methods.parts.images.residual import absolute_error, eroded, median_2d, residual, squared_error


def test_residuals_equal_numpy():
    x, y, brain = torch.rand(3, 2, 8, 9), torch.rand(3, 2, 8, 9), torch.rand(3, 8, 9) > 0.3
    a, b, mask = x.numpy(), y.numpy(), brain.numpy()
    batch = Batch(x, brain, torch.arange(3))
    np.testing.assert_allclose(absolute_error(x, y), abs(a - b))
    np.testing.assert_allclose(squared_error(x, y), ((a - b) ** 2).mean(), rtol=1e-6)
    np.testing.assert_allclose(residual(batch, y), abs(a - b).mean(1) * mask, rtol=1e-6)
    bright = np.maximum(a - b, 0).mean(1) * mask
    np.testing.assert_allclose(residual(batch, y, positive=True), bright, rtol=1e-6)


def test_erosion_and_median_equal_scipy():
    maps, brain = torch.rand(3, 20, 17), torch.rand(3, 20, 17) > 0.02
    square = np.ones((5, 5), bool)
    for i in range(3):
        assert np.array_equal(eroded(brain, 5)[i], ndimage.binary_erosion(brain[i], square))
        assert np.array_equal(median_2d(maps, 5)[i], ndimage.median_filter(maps[i].numpy(), 5, mode="mirror"))
