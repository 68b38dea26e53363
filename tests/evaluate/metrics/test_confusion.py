"""Counts of a prediction: those of the curve where no clean-up took place."""

import numpy as np

from tests.helpers.masks import box, case, empty, view
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.confusion import Overlap, overlap, summed
from uad_bench.evaluate.postprocess import DropComponents


def test_counts_equal_the_curves(scored):
    for name in "abcde":
        one = scored(name)
        seen = View(Curve.of_case(one), one, 0.7)
        counts = overlap(seen.prediction, one)
        assert counts == Curve.of_case(one).counts_at(0.7)
        assert counts.dice == Curve.of_case(one).dice_at(0.7)


def test_the_pooled_dice_is_that_of_summed_counts(scored):
    cases = [scored(name) for name in "abc"]
    pool = Curve.pool([Curve.of_case(one) for one in cases])
    counts = summed(overlap(View(None, one, 0.3).prediction, one) for one in cases)
    assert counts.dice == pool.dice_at(0.3)


def test_lost_voxels_are_missed_and_no_lesion_has_no_dice():
    truth = box((1, 1, 1))
    assert overlap(truth, case(truth, truth, lost=3)) == Overlap(1, 0, 3)
    assert overlap(truth, case(truth, empty())).dice is None
    assert overlap(empty(), case(empty(), truth)).dice == 0
    assert summed([]).dice is None


def test_a_clean_up_changes_what_is_counted():
    truth = box((1, 1, (1, 9)))
    seen = view(truth | box((5, 5, 5)), truth)
    cleaned = View(seen.curve, seen.scored, 0.5, (DropComponents(voxels=7),))
    assert overlap(seen.prediction, seen.scored) == Overlap(8, 1, 0)
    assert overlap(cleaned.prediction, seen.scored) == Overlap(8, 0, 0)
    assert np.array_equal(cleaned.prediction, truth)
