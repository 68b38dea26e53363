"""The template's maps and the brains that make_phantom from them."""

import numpy as np
from scipy import ndimage


def test_brain_is_one_whole_of_plausible_size(phantoms):
    for phantom in phantoms[""]:
        mask = phantom.brain_mask
        assert ndimage.label(mask)[1] == 1
        assert not any((ndimage.binary_fill_holes(plane) & ~plane).any() for plane in np.moveaxis(mask, 2, 0))
        assert 1.2 < mask.sum() * 8e-6 < 2.2  # litres


def test_brain_lies_within_the_grid(phantoms):
    """Only the brain stem may leave it, downwards."""
    for phantom in (p for kind in phantoms.values() for p in kind):
        mask = phantom.brain_mask
        assert not any(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1], mask[:, :, -1]))


def test_healthy_subjects_differ(phantoms):
    first, second = (phantom.brain_mask for phantom in phantoms[""][:2])
    dice = 2 * (first & second).sum() / (first.sum() + second.sum())
    assert 0.8 < dice < 0.99
