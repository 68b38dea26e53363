"""Counts of a prediction: those of the curve where the prediction was not post-processed."""

import numpy as np

from tests.helpers.masks import box, case, empty, view
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.confusion import Confusion, confusion, summed
from uad_bench.evaluate.postprocess import DropComponents


def test_counts_equal_the_curves(scored):
    for name in "abcde":
        one = scored(name)
        seen = View(Curve.of_case(one), one, 0.7)
        counts = confusion(seen.prediction, one)
        assert counts == Curve.of_case(one).counts_at(0.7)
        assert counts.dice == Curve.of_case(one).dice_at(0.7)


def test_the_pooled_dice_is_that_of_summed_counts(scored):
    cases = [scored(name) for name in "abc"]
    pool = Curve.pool([Curve.of_case(one) for one in cases])
    counts = summed(confusion(View(None, one, 0.3).prediction, one) for one in cases)
    assert counts.dice == pool.dice_at(0.3)


def test_voxels_cut_off_by_preparation_are_missed_and_no_lesion_has_no_dice():
    truth = box((1, 1, 1))
    assert confusion(truth, case(truth, truth, lost=3)) == Confusion(1, 0, 3)
    assert confusion(truth, case(truth, empty())).dice is None
    assert confusion(empty(), case(empty(), truth)).dice == 0
    assert summed([]).dice is None


def test_post_processing_of_the_prediction_changes_the_counts():
    truth = box((1, 1, (1, 9)))
    seen = view(truth | box((5, 5, 5)), truth)
    processed = View(seen.curve, seen.scored, 0.5, (DropComponents(voxels=7),))
    assert confusion(seen.prediction, seen.scored) == Confusion(8, 1, 0)
    assert confusion(processed.prediction, seen.scored) == Confusion(8, 0, 0)
    assert np.array_equal(processed.prediction, truth)
