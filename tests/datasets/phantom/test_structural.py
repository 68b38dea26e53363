"""Structural lesions."""

import numpy as np
import pytest
from scipy import ndimage

from uad_datasets.phantom.anatomy import draw_anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.grid import rng_for
from uad_datasets.phantom.structural import structural
from uad_datasets.phantom.subject import material_fractions


@pytest.mark.parametrize("case", range(4))
def test_structural_lesions_alter_the_tissue_inside_the_mask_only(case):
    rng = rng_for(5, f"structural-{case}")
    lesion = structural(rng, draw_anatomy(rng, load_atlas()))
    change = np.zeros(lesion.mask.shape)
    brain_mask = lesion.tissue.brain_mask
    change[brain_mask] = np.abs(material_fractions(lesion)[:3] - lesion.tissue.fractions).sum(axis=0) / 2
    assert change[lesion.mask].mean() > 0.3
    reach = ndimage.maximum_filter(lesion.mask, size=5)  # a soft edge is two voxels wide at most
    assert change[~reach].max() < 1e-6
