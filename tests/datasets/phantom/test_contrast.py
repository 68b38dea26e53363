"""Contrast: tissues in the order that each modality shows."""

import numpy as np
import pytest

from uad_datasets.phantom.contrast import MATERIALS, MODALITIES, render
from uad_datasets.phantom.grid import SHAPE, rng_for

MASK = np.zeros(SHAPE, dtype=bool)
MASK[20:60, 20:60, 20:60] = True


def rendered(material):
    """Images of a block of one material, scaled by the same random draws whatever the material."""
    fractions = np.zeros((len(MATERIALS), MASK.sum()), dtype=np.float32)
    fractions[MATERIALS.index(material)] = 1
    return render(rng_for(0, "contrast"), fractions, MASK)


@pytest.mark.parametrize(
    ("modality", "order"), [("t1", "csf gm wm"), ("t2", "wm gm csf"), ("flair", "csf wm gm")]
)
def test_tissues_are_ordered_as_in_the_field(modality, order):
    means = [rendered(material)[modality][MASK].mean() for material in order.split()]
    assert means == sorted(means)


def test_background_is_zero_and_brain_is_positive():
    images = rendered("gm")
    assert tuple(images) == MODALITIES
    for image in images.values():
        assert image.dtype == np.float32
        assert (image[~MASK] == 0).all()
        assert image[MASK].mean() > 100
