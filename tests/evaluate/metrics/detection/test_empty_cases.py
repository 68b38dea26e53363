"""The rule of BraTS for scans without lesion; with lesion and prediction the values are those of `dice` and `hd95`."""

import numpy as np
import pytest

from tests.helpers.masks import blobs, box, empty, view
from uad_bench.evaluate.metrics.detection.empty_cases import DiceBrats, Hd95Brats
from uad_bench.evaluate.metrics.surface import Hd95
from uad_bench.evaluate.metrics.voxel import Dice

CUBE = box(((4, 8), (4, 8), (4, 8)))


@pytest.mark.parametrize(
    ("prediction", "truth", "dice", "hd95"),
    [(empty(), empty(), 1, 0), (CUBE, empty(), 0, 374), (empty(), CUBE, 0, 374), (CUBE, CUBE, 1, 0)],
)
def test_empty_masks(prediction, truth, dice, hd95):
    for healthy in {False, not truth.any()}:
        seen = view(prediction, truth, healthy=healthy)
        assert (DiceBrats().case(seen).value, Hd95Brats().case(seen).value) == (dice, hd95)


def test_with_both_masks_nothing_changes():
    rng = np.random.default_rng(4)
    for _ in range(5):
        seen = view(blobs(rng, 3), blobs(rng, 3))
        assert DiceBrats().case(seen).value == Dice().case(seen).value
        assert Hd95Brats().case(seen).value == Hd95().case(seen).value


def test_a_lesion_that_was_cut_off_is_a_lesion():
    lost = {"lost": 3}
    assert DiceBrats().case(view(empty(), empty(), **lost)).value == 0
    assert Hd95Brats().case(view(CUBE, empty(), **lost)).value == 374


@pytest.mark.parametrize("metric", [DiceBrats(), Hd95Brats()])
def test_reasons(metric):
    assert metric.case(view(CUBE, CUBE, empty())).reason == "empty_brain"
    assert metric.case(view(CUBE, empty(), threshold=None, healthy=True)).reason == "no_threshold"
