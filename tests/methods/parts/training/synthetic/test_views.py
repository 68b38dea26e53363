"""Random views of slices: crops, deformation, intensities."""

import pytest
import torch

from uad_methods.parts.training.synthetic.views import change_intensity, random_views


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(n=32, x=40, y=48):
    """Images whose values tell the pixel, with a brain of 30 x 20 pixels at (6, 22)."""
    rows, columns = torch.meshgrid(torch.arange(x), torch.arange(y), indexing="ij")
    brain = torch.zeros(n, x, y, dtype=torch.bool)
    brain[:, 6:36, 22:42] = True
    return ((rows * y + columns) / (x * y)).expand(n, 1, x, y) * brain[:, None], brain


def test_crops_are_whole_pixels_inside_the_brain_s_box_or_around_it():
    images, brain = numbered()
    found, inside = random_views(images, brain, 24, draws(), augment=False)
    assert found.shape == (32, 1, 24, 24) and inside.shape == (32, 24, 24)
    first = (found[:, 0, 0, 4] * 1920).round()  # the box is longer than the crop along x, shorter along y
    rows, columns = first // 48, first % 48
    assert (columns == 24).all()  # the crop begins at column 20
    assert rows.min() == 6 and rows.max() == 12 and inside.sum(dim=(1, 2)).tolist() == [24 * 20] * 32
    one = images[0, 0, int(rows[0]) : int(rows[0]) + 24, 20:44]
    torch.testing.assert_close(found[0, 0], one, atol=1e-4, rtol=0)


def test_slices_smaller_than_the_crop_are_padded():
    images, brain = numbered()
    found, inside = random_views(images, brain, 64, draws(), augment=False)
    assert inside.sum(dim=(1, 2)).tolist() == [600] * 32
    torch.testing.assert_close(found.sum(dim=(1, 2, 3)), images.sum(dim=(1, 2, 3)), rtol=1e-3, atol=0)


def test_augmented_views_differ_and_stay_in_range_and_in_the_brain():
    images, brain = numbered(128)
    found, inside = random_views(images, brain, 32, draws())
    assert found.min() >= 0 and found.max() <= 1 and (found[(~inside)[:, None]] == 0).all()
    areas = inside.sum(dim=(1, 2))
    assert (areas == 600).float().mean() > 0.6 and areas.min() < 500  # most are not scaled
    again, _ = random_views(images, brain, 32, draws())
    assert torch.equal(found, again)


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_the_intensities_are_unchanged(channels):
    images, brain = (
        torch.rand(400, channels, 8, 8, generator=draws()),
        torch.ones(400, 8, 8, dtype=torch.bool),
    )
    found = change_intensity(images, brain, draws(1))
    same = ((found - images).abs().amax(dim=(1, 2, 3)) < 1e-4).float().mean()
    assert float(same) == pytest.approx(0.85**5, abs=0.07)
