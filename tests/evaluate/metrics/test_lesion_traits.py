"""Size, contrast and location of lesions against direct implementations over whole volumes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import MM, blobs, box, case, empty
from uad_bench.evaluate.metrics.lesion_traits import contrast, traits
from uad_bench.types import Scored

SHAPE = (24, 22, 20)
SPACINGS = [MM, (2.0, 1.0, 3.0)]


def lesions_of(truth):
    labels, n = ndimage.label(truth, np.ones((3, 3, 3)))
    return [labels == k for k in range(1, n + 1)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_contrast_equals_a_loop_over_whole_volumes(spacing):
    rng = np.random.default_rng(2)
    brain, truth = blobs(rng, 3, reach=12), blobs(rng, 6)
    image = rng.normal(size=SHAPE) + truth * rng.choice([-3, 0, 3])
    scored = case(empty(SHAPE), truth, brain, spacing, image=image.astype(np.float32)[None])
    for found, lesion in zip(contrast(scored), lesions_of(truth), strict=True):
        away = ndimage.distance_transform_edt(~lesion, sampling=spacing)
        inner, ring = image[lesion & brain], image[(away <= 5) & brain & ~truth]
        if inner.size and ring.size:
            assert found == pytest.approx((inner.mean() - ring.mean()) / ring.std(), rel=1e-5)
        else:
            assert np.isnan(found)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_size_and_location_equal_a_loop_over_whole_volumes(spacing):
    rng = np.random.default_rng(4)
    brain, truth = blobs(rng, 3, reach=12), blobs(rng, 6)
    surface = np.argwhere(brain & ~ndimage.binary_erosion(brain)) * spacing
    found = traits(case(empty(SHAPE), truth, brain, spacing))
    x, z = np.flatnonzero(brain.any(axis=(1, 2))), np.flatnonzero(brain.any(axis=(0, 1)))
    for k, lesion in enumerate(lesions_of(truth)):
        centroid = np.argwhere(lesion).mean(axis=0)
        depth = np.linalg.norm(surface - centroid * spacing, axis=1).min()
        inside = brain[tuple(np.rint(centroid).astype(int))]
        assert found.size[k] == pytest.approx(lesion.sum() * np.prod(spacing))
        assert found.depth[k] == pytest.approx(depth if inside else 0)
        assert found.side[k] == pytest.approx((centroid[0] + 0.5 - x[0]) / (x[-1] + 1 - x[0]))
        assert found.height[k] == pytest.approx((centroid[2] + 0.5 - z[0]) / (z[-1] + 1 - z[0]))


def test_location_does_not_depend_on_post_processing():
    brain, lesion = np.zeros((20, 20, 20), bool), np.zeros((20, 20, 20), bool)
    brain[1:-1, 1:-1, 1:-1] = True
    lesion[10, 10, 13:15] = True
    region = ndimage.binary_erosion(brain, iterations=4)
    plain = Scored("a", np.zeros(brain.shape, np.float32), brain, lesion, (2.0, 2.0, 2.0))
    eroded = replace(plain, brain_mask=region, whole_brain=brain)
    assert traits(eroded).depth == pytest.approx(traits(plain).depth)
    assert traits(eroded).height == pytest.approx(traits(plain).height)
    assert traits(replace(eroded, whole_brain=None)).depth < traits(plain).depth


def test_ignored_voxels_are_not_among_the_surroundings():
    truth, cavity = box(((4, 7), (4, 7), (4, 7))), box(((7, 9), (4, 7), (4, 7)))
    image = np.random.default_rng(1).normal(size=truth.shape).astype(np.float32)
    plain = case(empty(truth.shape), truth, image=image[None])
    with_cavity = replace(plain, image=np.where(cavity, 1000, image)[None])
    assert contrast(replace(plain, ignored=cavity)) == contrast(replace(with_cavity, ignored=cavity))
    assert contrast(with_cavity) != contrast(replace(with_cavity, ignored=cavity))


def test_a_difference_within_the_rounding_of_the_image_is_no_contrast():
    truth = box(((4, 7), (4, 7), (4, 7)))
    image = np.full(truth.shape, 1000, np.float32)
    image[truth] = np.nextafter(np.float32(1000), np.float32(2000))
    assert contrast(case(truth, truth, image=image[None])).tolist() == [0]


def test_without_an_image_there_is_no_contrast():
    with pytest.raises(ValueError, match="case c has no image"):
        contrast(case(empty(), box((1, 1, 1))))


def test_a_case_without_lesion_has_no_trait():
    scored = case(empty(), empty(), image=np.zeros((1, 12, 11, 10), np.float32))
    assert traits(scored).size.size == traits(scored).depth.size == contrast(scored).size == 0
