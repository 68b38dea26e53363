"""The template's maps and the brains that make_phantom from them."""

import numpy as np
import pytest
from scipy import ndimage

from uad_datasets.phantom.atlas import load_atlas


def test_atlas_fractions_fill_the_brain():
    atlas = load_atlas()
    inside = atlas.brain > 0.999
    np.testing.assert_allclose(atlas.tissues.sum(axis=0)[inside], 1, atol=0.01)
    assert atlas.tissues.min() >= 0


def test_lateral_ventricles_are_two_mirrored_halves_of_plausible_size():
    ventricles = load_atlas().ventricles
    assert 5_000 < ventricles.sum() < 40_000  # mm³
    left, right = ventricles[:78].sum(), ventricles[79:157].sum()
    assert left == pytest.approx(right, rel=0.05)


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
