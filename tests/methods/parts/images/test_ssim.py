"""SSIM map against scipy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_methods.parts.images.ssim import ssim_map


def random_images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


def scipy_ssim(a, b):
    """SSIM of two float64 images, zeros beyond the border, from the definition."""

    def mean(image):
        return ndimage.gaussian_filter(image, 1.5, radius=2, mode="constant")

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2
    cov = mean(a * b) - mu_a * mu_b
    c1, c2 = 1e-4, 9e-4
    return (2 * mu_a * mu_b + c1) * (2 * cov + c2) / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))


@pytest.mark.parametrize("shape", [(16, 16), (9, 23)])
def test_ssim_map_equals_scipy_in_float64(shape):
    a, b = random_images(2, 3, *shape), random_images(2, 3, *shape, seed=1)
    b = 0.7 * a + 0.3 * b
    flat_a, flat_b = (images.flatten(0, 1).double().numpy() for images in (a, b))
    expected = [scipy_ssim(x, y) for x, y in zip(flat_a, flat_b, strict=True)]
    np.testing.assert_allclose(ssim_map(a, b).flatten(0, 1), expected, atol=2e-5)


def test_ssim_of_equal_images_is_one_and_of_opposite_textures_negative():
    a = random_images(1, 2, 12, 12)
    torch.testing.assert_close(ssim_map(a, a), torch.ones_like(a))
    assert (ssim_map(5 + a, 5 - a)[..., 2:-2, 2:-2] < 0).all()


def test_ssim_stays_in_float32_under_autocast():
    a, b = random_images(1, 2, 12, 12), random_images(1, 2, 12, 12, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = ssim_map(a, b)
    assert torch.equal(inside, ssim_map(a, b))
