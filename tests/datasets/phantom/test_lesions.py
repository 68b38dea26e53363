"""Lesions: exact masks, plausible sizes, and images that differ inside the mask."""

import numpy as np
import pytest
from scipy import ndimage

from uad_datasets.phantom.lesions import without_small_components
from uad_datasets.phantom.subject import KINDS

PREVALENCE = {"tumour": (0.008, 0.12), "iso": (0.006, 0.05), "ms": (0.003, 0.03), "structural": (0.002, 0.05)}


@pytest.mark.parametrize("kind", KINDS)
def test_masks_are_inside_the_brain_and_of_plausible_size(phantoms, kind):
    low, high = PREVALENCE[kind]
    for phantom in phantoms[kind]:
        assert not (phantom.lesion_mask & ~phantom.brain_mask).any()
        assert low < phantom.lesion_mask.sum() / phantom.brain_mask.sum() < high


@pytest.mark.parametrize("kind", ["tumour", "iso", "structural"])
def test_one_lesion_is_one_piece(phantoms, kind):
    assert all(ndimage.label(phantom.lesion_mask)[1] == 1 for phantom in phantoms[kind])


def test_ms_has_several_plaques_of_eight_voxels_or_more(phantoms):
    for phantom in phantoms["ms"]:
        labels, count = ndimage.label(phantom.lesion_mask)
        assert count >= 4
        assert np.bincount(labels.ravel())[1:].min() >= 8


def test_healthy_has_no_lesion(phantoms):
    assert not any(phantom.lesion_mask.any() for phantom in phantoms[""])


@pytest.mark.parametrize("kind", ["tumour", "ms"])
def test_bright_lesions_stand_out_on_flair(phantoms, kind):
    for phantom in phantoms[kind]:
        image, mask = phantom.images["flair"], phantom.lesion_mask
        around = ndimage.binary_dilation(mask, iterations=4) & phantom.brain_mask & ~mask
        assert image[mask].mean() > 1.2 * image[around].mean()


def test_isointense_tumours_have_the_signal_of_brain(phantoms):
    """Their mean T2 signal lies between the lower and upper quartiles of the rest of the brain, or near."""
    for phantom in phantoms["iso"]:
        image, mask = phantom.images["t2"], phantom.lesion_mask
        low, high = np.percentile(image[phantom.brain_mask & ~mask], [10, 75])
        assert low < image[mask].mean() < high


def test_small_components_are_removed():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[0:2, 0:2, 0:2] = mask[6, 6, 6:8] = True
    np.testing.assert_array_equal(without_small_components(mask, 8).sum(), 8)
