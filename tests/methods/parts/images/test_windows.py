"""Windows: positions, blending of known functions."""

import pytest
import torch

from uad_methods.parts.images.windows import blended, gaussian_window, window_starts


@pytest.mark.parametrize(("size", "starts"), [(16, [0]), (20, [0, 4]), (27, [0, 4, 8, 11]), (17, [0, 1])])
def test_windows_cover_the_line(size, starts):
    assert window_starts(size, 16, 4) == starts


def test_the_published_slice_has_sixteen_windows():
    assert len(window_starts(224, 128, 32)) ** 2 == 16


def test_weights_are_a_gaussian_of_an_eighth_of_the_side():
    weight = gaussian_window(16, "cpu")
    assert float(weight[7, 9] / weight[7, 7]) == pytest.approx(2.718281828 ** (-(1.5**2 - 0.5**2) / 8))
    assert weight.min() == pytest.approx(1e-3) and torch.equal(weight, weight.T)


@pytest.mark.parametrize("sides", [(16, 16), (24, 31), (19, 40)])
def test_blending_the_identity_gives_the_image(sides):
    images = torch.rand(3, 2, *sides)
    torch.testing.assert_close(blended(images, 16, 4, lambda windows: windows), images)


def test_blending_is_the_weighted_mean_of_the_windows():
    images, weight = torch.rand(1, 1, 16, 20), gaussian_window(16, "cpu")
    found = blended(images, 16, 4, lambda windows: windows * torch.tensor([1.0, 3.0]).view(2, 1, 1, 1))
    left, right = torch.zeros(16, 20), torch.zeros(16, 20)
    left[:, :16], right[:, 4:] = weight, weight
    torch.testing.assert_close(found[0, 0], images[0, 0] * (left + 3 * right) / (left + right))
