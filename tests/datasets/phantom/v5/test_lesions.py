"""Lesions of version 5: sizes before and after sampling, places, and lesions below one voxel."""

import numpy as np
import pytest
from scipy import ndimage

from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.grid import rng_for
from uad_datasets.phantom.v5.anatomy import draw_anatomy
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.lesions import on_lattice
from uad_datasets.phantom.v5.patients import draw_volumes, severity
from uad_datasets.phantom.v5.plaques import draw_plaques

EIGHT = np.ones((3, 3, 3))
WANTED = np.array([3000.0, 500.0, 60.0, 30.0, 9.0, 7.0, 3.0, 2.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def drawn():
    rng = rng_for(0, "plaques")
    anatomy = draw_anatomy(rng, load_atlas())
    tissue = anatomy.tissue()
    return tissue, draw_plaques(rng, anatomy, tissue, WANTED)


def test_every_lesion_is_drawn_apart_with_its_volume(drawn):
    _, labels = drawn
    assert ndimage.label(labels, EIGHT)[1] == len(WANTED)
    found = np.bincount(labels.ravel(), minlength=len(WANTED) + 1)[1:]
    np.testing.assert_allclose(found[WANTED < 100], WANTED[WANTED < 100], rtol=0.35)
    assert found.sum() == pytest.approx(WANTED.sum(), rel=0.05)


def test_lesions_lie_in_tissue(drawn):
    tissue, labels = drawn
    mask = on_lattice(labels, Lattice(2))
    assert (mask & ~tissue.brain_mask).sum() <= 2
    assert tissue.volume(2)[mask & tissue.brain_mask].mean() > 0.6


def test_lesions_below_one_voxel_keep_a_voxel_and_the_volume_stays(drawn):
    _, labels = drawn
    mask = on_lattice(labels, Lattice(2))
    for number in range(1, len(WANTED) + 1):
        x, y, z = (at // 2 for at in np.nonzero(labels == number))
        assert mask[x, y, z].any(), f"lesion {number} has no voxel"
    assert 8 * mask.sum() == pytest.approx((labels > 0).sum(), rel=0.02)
    np.testing.assert_array_equal(on_lattice(labels, Lattice(1)), labels > 0)


def test_lesions_below_one_voxel_are_seen_faintly(patients):
    """Their signal on FLAIR is that of a share of a voxel: above their surroundings, below that of large lesions."""
    image, mask = patients[0].images["flair"], patients[0].lesion_mask
    labels, _ = ndimage.label(mask, EIGHT)
    sizes = np.bincount(labels.ravel())[labels]
    around = (
        ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_dilation(mask) & patients[0].brain_mask
    )
    single, large = (np.median(image[chosen]) for chosen in (mask & (sizes == 1), mask & (sizes > 50)))
    assert np.median(image[around]) < single < large


def test_volumes_of_a_patient_sum_to_the_load_and_none_is_below_1():
    for place in (0.0, 0.2, 0.5, 0.8, 1.0):
        volumes = draw_volumes(rng_for(0, f"volumes {place}"), place)
        assert volumes.min() >= 1 and volumes[0] >= volumes[1:].max() * 0.99
        assert 17 <= len(volumes) <= 392
        load = 1000 * np.exp(np.interp(place, [0, 0.5, 1], np.log([0.3, 13.9, 52.2])))
        assert volumes.sum() == pytest.approx(load, rel=1.0)


def test_patients_of_a_cohort_are_spread_evenly_by_severity():
    places = sorted(severity(3, f"phantom-ms-{i:03d}") for i in range(12))
    assert np.diff([0, *places, 1]).max() < 0.2
    assert severity(3, "phantom-ms-000") != severity(4, "phantom-ms-000")
    assert 0 <= severity(0, "no number") < 1
