"""Exact scoring against the loop over patches."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.helpers.patch2loc import spread_locator
from uad_methods.patch2loc.inference.exact import ExactLocator
from uad_methods.patch2loc.scoring import score_patches


@pytest.mark.parametrize(
    ("patch", "channels", "narrow"),
    [
        (24, 1, False),
        (24, 2, True),
        (5, 1, True),
        (8, 3, True),
        (13, 1, True),
        (32, 1, True),
        (48, 2, True),
    ],
)
def test_scores_equal_the_loop_over_patches(patch, channels, narrow):
    net = spread_locator(patch, channels, narrow=narrow)
    images, height = torch.rand(2, channels, 30, 26), torch.tensor([20.0, 70.0])
    where = torch.rand(2, 30, 26, generator=torch.Generator().manual_seed(1)) > 0.9
    with torch.no_grad():
        loop = score_patches(net, images, height, where, patch)
        quick = score_patches(ExactLocator(net, patch), images, height, where, patch, chunk=50)
    assert loop[where].std() > 1e-2
    torch.testing.assert_close(quick, loop, atol=1e-4, rtol=0)


def test_predictions_are_not_overwritten_and_weights_are_copied():
    net = spread_locator(8, narrow=True)
    quick, height = ExactLocator(net, 8), torch.full((3,), 30.0)
    first, other = torch.rand(3, 1, 8, 8), torch.rand(3, 1, 8, 8)
    mean, _ = quick(first, height)
    kept = mean.clone()
    quick(other, height)
    for weight in net.parameters():
        weight.data += 1
    assert torch.equal(mean, kept)
    assert torch.equal(quick(first, height)[0], kept)


def test_pixels_within_reach_of_a_filter_suffice_for_the_filtered_map():
    net = spread_locator(8, narrow=True)
    brain = np.zeros((1, 20, 18), bool)
    brain[0, 6:15, 5:12] = True
    reach = ndimage.binary_dilation(brain, np.ones((1, 7, 7)))
    images, quick = torch.rand(1, 1, 20, 18), ExactLocator(net, 8)

    def filtered(where):
        scores = score_patches(quick, images, torch.tensor([40.0]), torch.from_numpy(where), 8)
        return ndimage.median_filter(scores.numpy(), size=(1, 7, 7))[brain]

    everywhere = filtered(np.ones_like(brain))
    np.testing.assert_allclose(filtered(reach), everywhere, atol=1e-4)
    assert abs(filtered(brain) - everywhere).max() > 1e-2, "without the margin zeros reach the brain's rim"
