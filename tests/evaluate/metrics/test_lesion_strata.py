"""Detection by size, contrast and location of lesions: bins by hand, undefined values, pools."""

import numpy as np
import pytest

from tests.helpers.masks import MM, box, empty, view
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics import lesion_strata

SHAPE = (24, 22, 20)
FAMILIES = {
    trait: [m() for m in vars(lesion_strata).values() if getattr(m, "trait", "") == trait]
    for trait in ("size", "contrast", "depth", "side", "height")
}


def values(family, seen):
    return [m.case(seen).value for m in FAMILIES[family]]


def imaged(prediction, truth, image, **more):
    return view(prediction, truth, image=np.asarray(image, np.float32)[None], **more)


def test_every_family_has_its_bins():
    assert {trait: len(bins) for trait, bins in FAMILIES.items()} == {
        "size": 4, "contrast": 3, "depth": 2, "side": 2, "height": 3,
    }  # fmt: skip
    assert all(isinstance(m, Metric) and m.per_rule for bins in FAMILIES.values() for m in bins)


def test_size_is_in_mm3_and_a_bin_includes_its_lower_end():
    truth = box((0, 0, (0, 9)), (0, 8, (0, 10)), ((2, 6), (0, 5), (0, 5)), shape=SHAPE)  # 9, 10, 100 voxels
    guess = box((0, 0, 0), (2, 0, 0), shape=SHAPE)
    assert values("size", view(guess, truth)) == [1, 0, 1, None]
    assert values("size", view(guess, truth, spacing=(1.0, 1.0, 10.0))) == [None, 1, 0, 1]


@pytest.mark.parametrize(
    ("level", "expected"), [(-5, [1, None, None]), (0.2, [None, 1, None]), (5, [None, None, 1])]
)
def test_dark_iso_and_bright(level, expected):
    truth = box(((8, 12), (8, 12), (8, 12)), shape=SHAPE)
    image = np.where(truth, level, np.random.default_rng(0).normal(size=SHAPE))
    assert values("contrast", imaged(truth, truth, image)) == expected


def test_constant_surroundings_and_lesions_without_surroundings():
    truth = box(((8, 12), (8, 12), (8, 12)), shape=SHAPE)
    assert values("contrast", imaged(truth, truth, 99 * truth + 0.1)) == [None, None, 1]
    assert values("contrast", imaged(truth, truth, -99 * truth + 0.1)) == [1, None, None]
    assert values("contrast", imaged(truth, truth, np.full(SHAPE, 0.1))) == [None, 1, None]
    assert values("contrast", imaged(truth, truth, truth, brain=truth)) == [None] * 3
    outside = imaged(truth, truth, truth, brain=~truth)
    assert [m.case(outside).reason for m in FAMILIES["contrast"]] == ["no_lesion_of_contrast"] * 3


def test_depth_is_that_of_the_centroid_below_the_surface():
    brain = box(((2, 32), (2, 32), (2, 32)), shape=(34, 34, 34))
    for x, spacing, expected in ((11, MM, [1, None]), (12, MM, [None, 1]), (7, (2.0, 2.0, 2.0), [None, 1])):
        truth = box((x, 17, 17), shape=brain.shape)  # 9, 10 and 5 voxels from the edge at x = 2
        assert values("depth", view(truth, truth, brain, spacing)) == expected
    outside = box((0, 17, 17), shape=brain.shape)
    assert values("depth", view(outside, outside, brain)) == [0, None]


def test_side_and_height_are_of_the_brain_and_not_of_the_grid():
    brain = box(((10, 20), (0, 22), (2, 14)), shape=SHAPE)
    for x, expected in ((10, [1, None]), (14, [1, None]), (15, [None, 1]), (19, [None, 1])):
        spot = box((x, 5, 5), shape=SHAPE)
        assert values("side", view(spot, spot, brain)) == expected
    for z, expected in (
        (0, [0, None, None]),
        (5, [1, None, None]),
        (6, [None, 1, None]),
        (10, [None, None, 1]),
    ):
        spot = box((12, 5, z), shape=SHAPE)
        assert values("height", view(spot, spot, brain)) == expected


def test_the_pool_counts_lesions_of_all_cases():
    metric, spot, two = lesion_strata.SizeLt10(), box((1, 1, 1)), box((1, 1, 1), (5, 5, 5))
    kept = [metric.keep(v) for v in (view(spot, two), view(spot, spot), view(spot, empty()))]
    assert metric.joined(kept).value == 2 / 3
    assert (
        lesion_strata.SizeGe1000().joined([lesion_strata.SizeGe1000().keep(view(spot, two))]).reason
        == "no_lesion_of_size"
    )


@pytest.mark.parametrize("trait", FAMILIES)
def test_reasons(trait):
    metric, spot = FAMILIES[trait][0], box((1, 1, 1))
    image = np.zeros((12, 11, 10))
    assert metric.case(imaged(spot, empty(), image)).reason == f"no_lesion_of_{trait}"
    assert metric.case(imaged(spot, spot, image, brain=empty())).reason == "empty_brain"
    assert metric.case(imaged(spot, spot, image, threshold=None)).reason == "no_threshold"
    assert lesion_strata.Dark().case(view(spot, spot)).reason == "no_image"
