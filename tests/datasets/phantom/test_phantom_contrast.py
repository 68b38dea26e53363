"""Contrast: tissues in the order that each modality shows."""

import numpy as np
import pytest

from uad_datasets.phantom.contrast import MATTER, MODALITIES, render
from uad_datasets.phantom.grid import SHAPE, rng_for

MASK = np.zeros(SHAPE, dtype=bool)
MASK[20:60, 20:60, 20:60] = True


def rendered(matter):
    """Images of a block of one matter, scaled by the same random draws whatever the matter."""
    fractions = np.zeros((len(MATTER), MASK.sum()), dtype=np.float32)
    fractions[MATTER.index(matter)] = 1
    return render(rng_for(0, "contrast"), fractions, MASK)


@pytest.mark.parametrize(
    ("modality", "order"), [("t1", "csf gm wm"), ("t2", "wm gm csf"), ("flair", "csf wm gm")]
)
def test_tissues_are_ordered_as_in_the_field(modality, order):
    means = [rendered(matter)[modality][MASK].mean() for matter in order.split()]
    assert means == sorted(means)


def test_background_is_zero_and_brain_is_positive():
    images = rendered("gm")
    assert tuple(images) == MODALITIES
    for image in images.values():
        assert image.dtype == np.float32
        assert (image[~MASK] == 0).all()
        assert image[MASK].mean() > 100
