"""Erosion and median filter against scipy."""

import numpy as np
import torch
from scipy import ndimage

from uad_methods.parts.images.residual import eroded, median_2d


def test_erosion_and_median_equal_scipy():
    maps, brain = torch.rand(3, 20, 17), torch.rand(3, 20, 17) > 0.02
    square = np.ones((5, 5), bool)
    for i in range(3):
        assert np.array_equal(eroded(brain, 5)[i], ndimage.binary_erosion(brain[i], square))
        assert np.array_equal(median_2d(maps, 5)[i], ndimage.median_filter(maps[i].numpy(), 5, mode="mirror"))
