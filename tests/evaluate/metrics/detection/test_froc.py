"""Lesion FROC against a search over all thresholds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import blobs, box, case, empty
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.detection.candidates import candidates
from uad_bench.evaluate.metrics.detection.froc import RATES, Froc


def brute_force(cases):
    """The mean over the rates of the largest sensitivity among all thresholds."""
    rows, n = [], 0  # scan, score, lesion of the candidate (0: none)
    for scan, scored in enumerate(cases):
        labels, count = ndimage.label(scored.lesion_mask, np.ones((3, 3, 3)))
        n += count
        found = candidates(scored)
        rows += [(scan, s, labels.ravel()[k]) for k, s in zip(found.index, found.scores, strict=True)]
    best = dict.fromkeys(RATES, 0.0)
    for threshold in [np.inf, *{row[1] for row in rows}]:
        called = [row for row in rows if row[1] >= threshold]
        false = sum(row[2] == 0 for row in called) / len(cases)
        share = len({(row[0], row[2]) for row in called if row[2]}) / n
        best = {rate: max(old, share) if false <= rate else old for rate, old in best.items()}
    return float(np.mean(list(best.values())))


def scans(rng, levels):
    for _ in range(4):
        truth = blobs(rng, 5)
        noise = ndimage.gaussian_filter(rng.normal(size=truth.shape), 1)
        yield case(np.round((noise + 0.1 * truth) * levels), truth)


@pytest.mark.parametrize("levels", [4, 10_000])
def test_the_score_is_that_of_a_search_over_all_thresholds(levels):
    members = list(scans(np.random.default_rng(levels), levels))
    metric = Froc()
    kept = [metric.keep(View.of_case(one)) for one in members]
    pooled = metric.joined(kept).value
    assert pooled == pytest.approx(brute_force(members))
    assert 0 < pooled < 1
    assert metric.case(View.of_case(members[0])).value == pytest.approx(brute_force(members[:1]))


def test_a_map_of_one_value_has_one_false_candidate_and_not_every_lesion():
    flat = case(np.ones((12, 11, 10)), box((1, 1, 1), (9, 9, 8)))
    assert Froc().case(View.of_case(flat)).value == 0


def test_equal_scores_of_float64_are_a_tie():
    truth, scores = box((1, 1, 1)), np.zeros((12, 11, 10))
    scores[1, 1, 1] = scores[9, 9, 8] = (
        0.1  # a lesion and a false candidate; the nearest float32 is above 0.1
    )
    lesion = replace(case(truth, truth), map=scores)
    assert Froc().case(View.of_case(lesion)).value == pytest.approx(4 / 7)


def test_a_perfect_map_has_the_score_1_and_reasons_are_given():
    truth = box(((2, 5), (2, 5), (2, 5)), (9, 9, 8))
    assert Froc().case(View.of_case(case(truth, truth))).value == 1
    assert Froc().case(View.of_case(case(truth, empty()))).reason == "no_positive"
    assert Froc().case(View.of_case(case(truth, truth, brain=empty()))).reason == "empty_brain"
    assert Froc().joined([]).reason == "no_case"
