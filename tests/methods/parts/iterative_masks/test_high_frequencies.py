"""High-frequency condition: closed forms."""

import numpy as np
import pytest
import torch

from uad_methods.parts.iterative_masks.high_frequencies import high_frequencies, low_frequencies


def disc(x, y, radius):
    """Inverse transform of the disc of low frequencies, with numpy: (x, y)."""
    i, j = np.fft.fftfreq(x) * 224, np.fft.fftfreq(y) * 224
    return np.fft.ifft2(np.hypot(i[:, None], j) < radius - 1e-9).real


@pytest.mark.parametrize("shape", [(32, 32), (31, 24), (224, 224)])
@pytest.mark.parametrize("height", [0.25, 1.0, 6.0])
def test_a_single_bright_pixel_has_its_closed_form(shape, height):
    image = torch.zeros(2, 1, *shape)
    image[1, 0, 5, 7] = height
    expected = height * image[1, 0].numpy() / height
    expected = expected + (1 - height) * np.roll(disc(*shape, 60), (5, 7), (0, 1))
    found = high_frequencies(image, 60)
    np.testing.assert_allclose(found[1, 0], expected, atol=1e-6)
    assert (found[0] == 0).all()


def test_a_radius_of_zero_leaves_the_image():
    image = torch.rand(3, 2, 20, 17) * 6 - 3
    torch.testing.assert_close(high_frequencies(image, 0), image)


def test_at_224_pixels_the_radius_counts_samples_and_elsewhere_the_wavelength_is_kept():
    published = low_frequencies(224, 224, 15, "cpu")
    samples = np.hypot(np.fft.fftfreq(224, 1 / 224)[:, None], np.arange(113)) < 15
    assert np.array_equal(published.numpy(), samples)
    assert low_frequencies(64, 64, 28, "cpu")[0].sum() == 8 and published[0].sum() == 15


def test_a_constant_image_has_no_bins_of_rounding():
    found = high_frequencies(torch.full((1, 1, 30, 22), -3.0), 1000)
    torch.testing.assert_close(
        found, torch.full_like(found, -1 / (30 * 22))
    )  # the mean alone, of amplitude 1


def test_low_frequencies_have_amplitude_one_and_their_phase():
    image = torch.rand(1, 1, 32, 32)
    before, after = (torch.fft.rfft2(one.double())[0, 0] for one in (image, high_frequencies(image, 70)))
    low = low_frequencies(32, 32, 70, "cpu")
    torch.testing.assert_close(after[low], before[low] / before[low].abs(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(after[~low], before[~low], atol=1e-5, rtol=1e-5)
