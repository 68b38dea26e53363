"""The maps of the template."""

import numpy as np
import pytest

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
