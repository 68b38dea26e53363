"""The lesion-wise scores of BraTS 2023 against a direct implementation, one lesion after the other."""

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import blobs, box, empty, view
from tests.helpers.monai_oracle import hd95 as monai_hd95
from uad_bench.evaluate.metrics.brats import LesionDiceBrats, LesionHd95Brats, dilated

SHAPE = (24, 22, 20)
STRUCTURE = ndimage.generate_binary_structure(3, 2)
BIG = box(((8, 14), (8, 14), (8, 14)), shape=SHAPE)


def grown(mask):
    return ndimage.binary_dilation(mask, STRUCTURE, iterations=3)


def slow(prediction, truth):
    """(Dice, HD95) as the challenge defines them, at 1 mm."""
    found, n_found = ndimage.label(prediction, np.ones((3, 3, 3)))
    zones, n = ndimage.label(grown(truth), np.ones((3, 3, 3)))
    dices, distances, matched = [], [], set()
    for lesion in (truth & (zones == k) for k in range(1, n + 1)):
        mine = set(np.unique(found[grown(lesion)])) - {0}
        matched |= mine
        if lesion.sum() > 50:
            guess = np.isin(found, list(mine))
            dices.append(2 * (guess & lesion).sum() / (guess.sum() + lesion.sum()))
            distances.append(monai_hd95(guess, lesion) if mine else 374)
    false = n_found - len(matched)
    count = len(dices) + false
    return (sum(dices) / count, (sum(distances) + 374 * false) / count) if count else (None, None)


def test_dilation_is_scipys():
    mask = blobs(np.random.default_rng(0), 4)
    assert np.array_equal(dilated(mask, 3), grown(mask))


def test_random_cases_equal_the_direct_implementation():
    rng = np.random.default_rng(5)
    for _ in range(25):
        truth = blobs(rng, 4, reach=4)
        guess = np.roll(blobs(rng, 2, reach=3) | truth, rng.integers(-2, 3, 3), (0, 1, 2))
        guess |= rng.random(SHAPE) < 1e-3
        seen, (dice, hd95) = view(guess, truth), slow(guess, truth)
        assert LesionDiceBrats().case(seen).value == pytest.approx(dice, abs=1e-12)
        assert LesionHd95Brats().case(seen).value == pytest.approx(hd95, rel=1e-6)


def test_misses_and_false_positives_score_0_and_374_mm():
    speck = box((1, 1, 1), shape=SHAPE)
    assert LesionDiceBrats().case(view(empty(SHAPE), BIG)).value == 0
    assert LesionHd95Brats().case(view(empty(SHAPE), BIG)).value == 374
    assert LesionDiceBrats().case(view(BIG | speck, BIG)).value == 1 / 2
    assert LesionHd95Brats().case(view(BIG | speck, BIG)).value == 187


def test_small_lesions_are_left_out_and_their_findings_are_not_false():
    small = box((1, 1, 1), shape=SHAPE)
    assert LesionDiceBrats().case(view(BIG | small, BIG | small)).value == 1
    assert LesionDiceBrats().case(view(BIG, BIG | small)).value == 1
    assert LesionDiceBrats().case(view(small, small)).reason == "no_lesion_of_size"
    # 7 voxels of 8 mm3 are above 50 mm3, 6 are not.
    for voxels, reason in ((6, "no_lesion_of_size"), (7, "")):
        line = box((2, 2, (2, 2 + voxels)), shape=SHAPE)
        assert LesionDiceBrats().case(view(line, line, spacing=(2.0, 2.0, 2.0))).reason == reason


def test_lesions_whose_dilations_touch_are_one():
    pair = box(((2, 6), (2, 6), (2, 6)), ((2, 6), (2, 6), (11, 15)), shape=SHAPE)
    assert (
        LesionDiceBrats().case(view(pair & box(((0, 24), (0, 22), (0, 8)), shape=SHAPE), pair)).value == 2 / 3
    )


@pytest.mark.parametrize("metric", [LesionDiceBrats(), LesionHd95Brats()])
def test_reasons_and_everything_predicted(metric):
    assert metric.case(view(BIG, empty(SHAPE))).reason == "no_positive"
    assert metric.case(view(BIG, BIG, threshold=None)).reason == "no_threshold"
    assert metric.case(view(BIG, BIG, empty(SHAPE))).reason == "empty_brain"
    dice, hd95 = slow(~empty(SHAPE), BIG)
    expected = dice if metric.higher_is_better else hd95
    assert metric.case(view(~empty(SHAPE), BIG)).value == pytest.approx(expected, rel=1e-6)


def test_the_pooled_score_is_a_mean_over_lesions_not_cases():
    two = box(((2, 6), (2, 6), (2, 6)), ((2, 6), (15, 19), (2, 6)), shape=SHAPE)
    metric = LesionDiceBrats()
    assert metric.joined([metric.keep(view(two, two)), metric.keep(view(empty(SHAPE), BIG))]).value == 2 / 3
