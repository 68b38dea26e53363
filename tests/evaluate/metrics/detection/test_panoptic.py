"""Panoptic quality against a loop over all pairs of a lesion and a finding."""

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import blobs, box, empty, view
from uad_bench.evaluate.metrics.detection.panoptic import (
    PanopticQuality,
    RecognitionQuality,
    SegmentationQuality,
)

TOUCHING = np.ones((3, 3, 3), bool)


def brute_force(prediction, truth):
    """(PQ, RQ, SQ), SQ 0 without a pair."""
    (found, n_found), (lesions, n_lesions) = (ndimage.label(mask, TOUCHING) for mask in (prediction, truth))
    pairs = []
    for lesion in range(1, n_lesions + 1):
        for finding in range(1, n_found + 1):
            both, either = (lesions == lesion) & (found == finding), (lesions == lesion) | (found == finding)
            if both.sum() / either.sum() > 0.5:
                pairs.append(both.sum() / either.sum())
    missed, false = n_lesions - len(pairs), n_found - len(pairs)
    whole = len(pairs) + missed / 2 + false / 2
    return sum(pairs) / whole, len(pairs) / whole, np.mean(pairs) if pairs else 0


def shifted(truth, rng):
    """The lesions moved by up to a voxel, with some noise."""
    moved = np.roll(truth, tuple(rng.integers(-1, 2, 3)), (0, 1, 2))
    return (moved & (rng.random(truth.shape) < 0.97)) | (rng.random(truth.shape) < 1e-3)


def test_values_are_those_of_a_loop_over_pairs():
    rng, paired = np.random.default_rng(2), 0
    for _ in range(15):
        truth = blobs(rng, 4, reach=6.0)
        guess = shifted(truth, rng)
        seen, expected = view(guess, truth), brute_force(guess, truth)
        pq, rq, sq = (
            metric().case(seen) for metric in (PanopticQuality, RecognitionQuality, SegmentationQuality)
        )
        assert (pq.value, rq.value) == (pytest.approx(expected[0]), pytest.approx(expected[1]))
        assert sq.value == pytest.approx(expected[2])
        assert pq.value == pytest.approx(sq.value * rq.value)
        paired += sq.value > 0
    assert paired > 5


def test_an_iou_of_exactly_one_half_is_no_pair():
    half = view(box(((0, 2), (0, 1), (0, 1))), box(((0, 4), (0, 1), (0, 1))))
    assert PanopticQuality().case(half).value == 0
    assert SegmentationQuality().case(half).value == 0


def test_pooled_values_are_those_of_all_lesions_of_all_cases():
    metric = PanopticQuality()
    hit, missed = view(box((1, 1, 1)), box((1, 1, 1))), view(empty(), box((1, 1, 1), (5, 5, 5), (9, 9, 9)))
    assert metric.joined([metric.keep(hit), metric.keep(missed)]).value == 2 * 1 / (4 + 1)
    assert metric.case(view(box((1, 1, 1)), empty())).reason == "no_positive"
    assert metric.joined([]).reason == "no_case"
