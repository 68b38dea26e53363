"""Gaussian blur against scipy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_methods.parts.images.blur import gaussian_blur


@pytest.mark.parametrize(("sigma", "reach"), [(2.0, None), (1.2, None), (10.0, 35)])
def test_blur_equals_scipy(sigma, reach):
    maps = np.random.default_rng(0).normal(size=(2, 40, 33))
    expected = [ndimage.gaussian_filter(m, sigma, mode="reflect", radius=reach) for m in maps]
    np.testing.assert_allclose(gaussian_blur(torch.from_numpy(maps), sigma, reach), expected, atol=1e-6)
