"""Multi-scale gradient similarity against scipy, its bounds and its gradient."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_methods.parts.images.gradient_similarity import (
    gms_maps,
    median_3x3,
    msgms_difference,
    msgms_loss,
)


def images(seed, count=2, channels=1, shape=(32, 40)):
    return 2 * torch.rand(count, channels, *shape, generator=torch.Generator().manual_seed(seed)) - 1


def scipy_gms(a, b, median):
    """The maps of four scales of two images (X, Y)."""
    found = []
    for scale in range(4):
        if scale:
            a, b = (one.reshape(one.shape[0] // 2, 2, one.shape[1] // 2, 2).mean((1, 3)) for one in (a, b))
        pair = [ndimage.median_filter(one, 3, mode="nearest") if median else one for one in (a, b)]
        gradients = [[ndimage.prewitt(one, axis) / 3 for axis in (0, 1)] for one in pair]
        ga, gb = (np.hypot(*one)[1:-1, 1:-1] for one in gradients)
        found.append((2 * ga * gb + 0.0026) / (ga**2 + gb**2 + 0.0026))
    return found


@pytest.mark.parametrize("median", [False, True])
def test_maps_and_loss_equal_scipy(median):
    a, b = images(0, 1), images(1, 1)
    expected = scipy_gms(a[0, 0].double().numpy(), b[0, 0].double().numpy(), median)
    for found, one in zip(gms_maps(a, b, median=median), expected, strict=True):
        np.testing.assert_allclose(found[0, 0], one, atol=2e-5)
    loss = np.mean([1 - one.mean() for one in expected])
    assert float(msgms_loss(a, b, median=median)) == pytest.approx(loss, abs=1e-5)


def test_the_median_is_that_of_the_box_with_repeated_edges():
    some = images(2, 3, 2, (9, 7))
    expected = ndimage.median_filter(some.numpy(), (1, 1, 3, 3), mode="nearest")
    np.testing.assert_array_equal(median_3x3(some), expected)


@pytest.mark.parametrize("median", [False, True])
def test_gms_is_symmetric_between_0_and_1_and_blind_to_a_constant(median):
    a, b = images(3), images(4)
    for one, other in zip(gms_maps(a, b, median=median), gms_maps(b, a, median=median), strict=True):
        assert torch.equal(one, other) and 0 < one.min() < one.max() <= 1
    assert all((one == 1).all() for one in gms_maps(a, a, median=median))
    for one in gms_maps(a, a + 0.25, median=median):
        torch.testing.assert_close(one, torch.ones_like(one), atol=1e-5, rtol=0)


def test_constant_images_are_equal_whatever_the_constants():
    dark, bright = torch.full((1, 1, 32, 32), -1.0), torch.full((1, 1, 32, 32), 1.0)
    assert all((one == 1).all() for one in gms_maps(dark, bright, median=True))
    assert (msgms_difference(dark, bright, median=True) == 0).all()


def test_the_difference_is_the_mean_over_scales_and_channels_at_full_size():
    a, b = images(5, 2, 3), images(6, 2, 3)
    found = msgms_difference(a, b, median=False)
    assert found.shape == (2, 32, 40) and found.min() >= 0
    alone = [msgms_difference(a[:, [i]], b[:, [i]], median=False) for i in range(3)]
    torch.testing.assert_close(found, torch.stack(alone).mean(0))
    assert (msgms_difference(a, a, median=False) == 0).all()


def test_the_gradient_is_finite_where_images_are_constant():
    flat = torch.zeros(1, 1, 32, 32, requires_grad=True)
    msgms_loss(images(7, 1, 1, (32, 32)), flat, median=True).backward()
    assert torch.isfinite(flat.grad).all()
