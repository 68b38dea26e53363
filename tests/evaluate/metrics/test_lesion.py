"""Lesion-wise recall, precision and F1: by hand, against brute force, and without lesions or findings."""

from itertools import permutations

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import blobs, box, empty, view
from uad_bench.evaluate.metrics.lesion import (
    LesionF1,
    LesionF1Iou10,
    LesionF1Iou25,
    LesionPrecision,
    LesionPrecisionIou10,
    LesionRecall,
    LesionRecallIou10,
    LesionRecallIou25,
)

ALL = [LesionRecall(), LesionPrecision(), LesionF1(), LesionF1Iou10(), LesionF1Iou25()]
TWO = box((1, 1, 1), ((5, 9), (5, 9), (5, 9)))


def parts(mask):
    labels, n = ndimage.label(mask, np.ones((3, 3, 3)))
    return [labels == k for k in range(1, n + 1)]


def most_pairs(truth, found, iou):
    """The largest number of one-to-one pairs, from all possible pairings."""
    near = np.array([[(t & f).sum() >= iou * (t | f).sum() for f in found] for t in truth], bool)
    near = near.reshape(len(truth), len(found))
    near = near if len(truth) <= len(found) else near.T
    return max(
        sum(near[i, j] for i, j in enumerate(order))
        for order in permutations(range(near.shape[1]), len(near))
    )


def test_one_large_finding_with_two_lesions_and_one_without():
    truth = box((2, 2, 2), (2, 2, 5), (9, 9, 9))
    seen = view(box((2, 2, (1, 7)), (6, 6, 0)), truth)
    assert LesionRecall().case(seen).value == 2 / 3
    assert LesionPrecision().case(seen).value == 1 / 2
    assert LesionF1().case(seen).value == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))
    assert LesionRecallIou10().case(seen).value == 1 / 3  # one finding, one lesion
    assert LesionPrecisionIou10().case(seen).value == 1 / 2
    assert LesionRecallIou25().case(seen).value == 0


def test_brute_force_agrees_on_random_masks():
    rng = np.random.default_rng(3)
    for _ in range(60):
        truth = blobs(rng, 4) | (rng.random((24, 22, 20)) < 2e-4)
        guess = np.roll(truth, rng.integers(-2, 3, 3), (0, 1, 2)) | blobs(rng, 1)
        lesions, found, seen = parts(truth), parts(guess), view(guess, truth)
        recall = np.mean([(one & guess).any() for one in lesions])
        precision = np.mean([(one & truth).any() for one in found])
        assert LesionRecall().case(seen).value == pytest.approx(recall)
        assert LesionPrecision().case(seen).value == pytest.approx(precision)
        if min(len(lesions), len(found)) <= 5 and max(len(lesions), len(found)) <= 7:
            for metric in (LesionF1Iou10(), LesionF1Iou25()):
                pairs = most_pairs(lesions, found, metric.iou)
                assert metric.case(seen).value == pytest.approx(2 * pairs / (len(lesions) + len(found)))


def test_an_iou_of_exactly_the_bound_is_a_pair():
    seen = view(box(((0, 4), 1, 1)), box((0, 1, 1)))
    assert LesionF1Iou25().case(seen).value == 1


def test_a_greedy_pairing_would_find_one_pair_less():
    # The middle finding overlaps both lesions, the left finding the left lesion only.
    truth = box(((0, 5), 1, 1), ((6, 9), 1, 1))
    seen = view(box((0, (0, 2), 1), ((2, 8), 1, 1)), truth)
    assert LesionRecallIou10().case(seen).value == 1


def test_a_lesion_outside_the_brain_is_missed():
    brain = box(((0, 12), (0, 11), (0, 4)))
    seen = view(TWO, TWO, brain)
    assert LesionRecall().case(seen).value == 1 / 2
    assert LesionPrecision().case(seen).value == 1


@pytest.mark.parametrize("metric", ALL)
def test_an_empty_prediction_scores_0_and_the_whole_brain_finds_all_lesions(metric):
    assert metric.case(view(empty(), TWO)).value == 0
    everything = metric.case(view(~empty(), TWO)).value
    assert everything == (0 if getattr(metric, "iou", 0) else 1)
    assert metric.case(view(TWO, TWO)).value == 1


@pytest.mark.parametrize("metric", ALL)
def test_reasons(metric):
    assert metric.case(view(TWO, empty())).reason == "no_positive"
    assert metric.case(view(TWO, TWO, empty())).reason == "empty_brain"
    assert metric.case(view(TWO, TWO, threshold=None)).reason == "no_threshold"
    assert metric.keep(view(TWO, TWO, threshold=None)) is None
    assert metric.joined([]).reason == "no_case"


def test_pooled_values_are_made_of_summed_counts():
    kept = [LesionRecall().keep(v) for v in (view(TWO, TWO), view(empty(), TWO), view(TWO, box((1, 1, 1))))]
    assert LesionRecall().joined(kept).value == 3 / 5
    assert LesionPrecision().joined(kept).value == 3 / 4
    f1 = 2 * (3 / 5) * (3 / 4) / (3 / 5 + 3 / 4)
    assert LesionF1().joined(kept).value == pytest.approx(f1)
    assert LesionRecall().joined([LesionRecall().keep(view(TWO, empty()))]).reason == "no_positive"


def test_false_findings_of_a_case_without_lesion_count_in_the_pool():
    kept = [LesionPrecision().keep(v) for v in (view(TWO, TWO), view(TWO, empty()))]
    assert LesionPrecision().joined(kept).value == 2 / 4
