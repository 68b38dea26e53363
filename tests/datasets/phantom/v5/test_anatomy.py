"""The brains of version 5 and the template's maps behind them."""

import numpy as np
import pytest
from scipy import ndimage

from uad_datasets.phantom.v5.contrast import MATERIALS, MEANS
from uad_datasets.phantom.v5.detail import load_detail


def test_the_brain_is_one_piece_within_the_grid(healthy, patients, others):
    for phantom in (*healthy, *patients, *others.values()):
        mask = phantom.brain_mask
        assert ndimage.label(mask)[1] == 1
        assert 0.9 < mask.sum() * 8e-6 < 1.95  # litres
        assert not any(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1], mask[:, :, -1]))


def test_healthy_subjects_differ_in_size_and_shape(healthy):
    volumes = [one.brain_mask.sum() * 0.008 for one in healthy]
    assert np.std(volumes) > 40  # ml
    first, second = (one.brain_mask for one in healthy[:2])
    assert 0.75 < 2 * (first & second).sum() / (first.sum() + second.sum()) < 0.99


def test_sulci_are_bright_on_t2_and_dark_on_t1(healthy):
    for phantom in healthy:
        t1, t2 = (phantom.images[m][phantom.brain_mask] for m in ("t1", "t2"))
        assert np.corrcoef(t1, t2)[0, 1] < -0.6


def test_the_depth_of_the_template_is_in_mm():
    depth = load_detail().depth
    assert 40 < depth.max() < 70
    assert depth.min() < 0


def test_deep_grey_matter_is_darker_than_cortex_on_t2():
    values = dict(zip(MATERIALS, MEANS["t2"], strict=True))
    assert values["wm"] < values["nuclei"] < values["gm"] < values["csf"]


@pytest.mark.parametrize("modality", MEANS)
def test_every_material_has_a_signal(modality):
    assert len(MEANS[modality]) == len(MATERIALS)
