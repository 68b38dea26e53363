"""One case of version 5, from its name, at both spacings."""

import numpy as np
import pytest

from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.grid import SHAPE, rng_for
from uad_datasets.phantom.v5.anatomy import draw_anatomy
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.lesions import drawn_at_2_mm, no_lesions
from uad_datasets.phantom.v5.subject import make_phantom, material_shares


def test_a_phantom_depends_on_seed_and_name_alone(patients):
    again = make_phantom(0, "phantom-ms-000", "ms")
    for modality, image in patients[0].images.items():
        np.testing.assert_array_equal(image, again.images[modality])
        assert not image[~again.brain_mask].any() and image.dtype == np.float32
    np.testing.assert_array_equal(patients[0].lesion_mask, again.lesion_mask)
    assert patients[0].volumes == again.volumes
    other = make_phantom(1, "phantom-ms-000", "ms")
    assert (other.brain_mask != again.brain_mask).any() and other.volumes != again.volumes


def test_healthy_subjects_have_no_lesion_and_others_do(healthy, others):
    assert not any(one.lesion_mask.any() or one.volumes for one in healthy)
    for phantom in others.values():
        assert phantom.lesion_mask.any() and not (phantom.lesion_mask & ~phantom.brain_mask).any()
        assert sum(phantom.volumes) == pytest.approx(8 * phantom.lesion_mask.sum())


@pytest.mark.parametrize("kind", ["", "ms", "tumour", "structural"])
def test_1_mm_shows_the_same_subject_with_more_detail(kind, patients, others, healthy):
    name = f"phantom-{kind}-000" if kind else "phantom-h000"
    coarse = {"": healthy[0], "ms": patients[0], **others}[kind]
    fine = make_phantom(0, name, kind, spacing=1)
    assert fine.brain_mask.shape == Lattice(1).shape == tuple(2 * n for n in SHAPE)
    assert dice(halved(fine.brain_mask) > 0.5, coarse.brain_mask) > 0.98
    inside = (halved(fine.brain_mask) == 1) & coarse.brain_mask
    image = halved(fine.images["t2"])
    assert np.corrcoef(image[inside], coarse.images["t2"][inside])[0, 1] > 0.9
    assert image[inside].std() < 0.98 * fine.images["t2"][fine.brain_mask].std()
    assert fine.lesion_mask.sum() == pytest.approx(8 * coarse.lesion_mask.sum(), rel=0.15, abs=0)


def test_lesions_of_1_mm_are_those_that_were_drawn():
    coarse, fine = (make_phantom(0, "phantom-ms-003", "ms", spacing) for spacing in (2, 1))
    assert coarse.volumes == fine.volumes
    assert fine.lesion_mask.sum() == pytest.approx(sum(fine.volumes), rel=0.02)
    assert dice(halved(fine.lesion_mask) >= 0.5, coarse.lesion_mask) > 0.6


@pytest.mark.parametrize("kind", ["", "tumour", "iso"])
def test_materials_sum_to_one(kind):
    rng, lattice = rng_for(0, "shares"), Lattice(2)
    anatomy = draw_anatomy(rng, load_atlas())
    lesions = drawn_at_2_mm(rng, anatomy, lattice, kind) if kind else no_lesions(anatomy, lattice)
    shares = material_shares(lesions)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-4)
    assert shares.min() > -0.05


def halved(volume):
    """A volume at 1 mm averaged to 2 mm."""
    x, y, z = SHAPE
    return volume.astype(np.float32).reshape(x, 2, y, 2, z, 2).mean(axis=(1, 3, 5))


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())
