"""One case of the cohort, from its name."""

import numpy as np
import pytest

from uad_datasets.phantom.anatomy import draw_anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.contrast import MATERIALS
from uad_datasets.phantom.grid import rng_for
from uad_datasets.phantom.lesions import tumour
from uad_datasets.phantom.subject import make_phantom, material_fractions


def test_a_phantom_depends_on_seed_and_name_alone():
    one, again = make_phantom(3, "x", "ms"), make_phantom(3, "x", "ms")
    for modality, image in one.images.items():
        np.testing.assert_array_equal(image, again.images[modality])
        assert not image[~one.brain_mask].any()
    np.testing.assert_array_equal(one.lesion_mask, again.lesion_mask)
    assert (make_phantom(3, "y", "ms").brain_mask != one.brain_mask).any()


def test_materials_sum_to_one_and_a_lesion_replaces_tissue():
    lesion = tumour(rng_for(0, "t"), draw_anatomy(rng_for(0, "t"), load_atlas()))
    fractions = material_fractions(lesion)
    np.testing.assert_allclose(fractions.sum(axis=0), 1, atol=1e-4)
    core = fractions[MATERIALS.index("core")]
    inside = lesion.replacements[1].mask[lesion.tissue.brain_mask]
    assert core[inside].mean() == pytest.approx(0.95, abs=0.1)
    assert core[~lesion.mask[lesion.tissue.brain_mask]].max() < 0.5
