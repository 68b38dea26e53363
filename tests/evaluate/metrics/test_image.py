"""Image-level metrics against scikit-learn, and the cases and slices that take no part."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.helpers.masks import box, case, empty
from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics import image

CASE = [
    *(image.CaseAurocMax(), image.CaseAurocMean(), image.CaseAurocQ99()),
    *(image.CaseApMax(), image.CaseApMean(), image.CaseApQ99()),
]
SLICE = [image.SliceAurocMax(), image.SliceAurocQ99(), image.SliceApMax(), image.SliceApQ99()]
SCORES = {
    "max": np.max,
    "mean": lambda values: np.mean(values, dtype=np.float64),
    "q99": lambda values: np.quantile(values, 0.99, method="higher"),
}


def reference(metric):
    return roc_auc_score if metric.area == "auroc" else average_precision_score


def view(scored):
    return View(None, scored)


@pytest.mark.parametrize("metric", CASE, ids=lambda m: m.name)
def test_cases_are_ranked_as_scikit_learn_ranks_them(metric, scored):
    cases = [scored(f"l{k}") for k in range(9)] + [scored(f"h{k}", healthy=True) for k in range(7)]
    found = metric.joined([metric.keep(view(one)) for one in cases])
    scores = [SCORES[metric.score](one.map[one.brain_mask]) for one in cases]
    assert found.value == pytest.approx(
        reference(metric)([not one.healthy for one in cases], scores), abs=1e-12
    )
    assert metric.case(view(cases[0])) is None
    assert metric.population == "both"


def test_cases_need_both_classes(scored):
    metric = image.CaseAurocMax()
    lesion, healthy = metric.keep(view(scored("l"))), metric.keep(view(scored("h", healthy=True)))
    assert metric.joined([lesion, lesion]).reason == "no_healthy"
    assert metric.joined([healthy]).reason == "no_positive"
    assert metric.joined([]).reason == "no_positive"


def test_cases_without_brain_or_of_no_class_take_no_part(scored):
    metric = image.CaseApQ99()
    assert metric.keep(view(scored("l", brain=False))) is None
    assert metric.keep(view(scored("l", lesion_voxels=0))) is None
    assert metric.keep(view(replace(scored("l", lesion_voxels=0), lost=1))).positive.all()


def test_equal_scores_are_chance():
    flat = [
        case(np.ones((12, 11, 10)), box((1, 1, 1)) & (not h), healthy=h) for h in (True, False, True, False)
    ]
    for metric in CASE:
        assert metric.joined([metric.keep(view(one)) for one in flat]).value == 0.5


@pytest.mark.parametrize("metric", SLICE, ids=lambda m: m.name)
def test_slices_are_ranked_as_scikit_learn_ranks_them(metric, scored):
    def plain(one):
        at = [z for z in range(6) if one.brain_mask[:, :, z].any()]
        values = [SCORES[metric.score](one.map[:, :, z][one.brain_mask[:, :, z]]) for z in at]
        return [bool(one.lesion_mask[:, :, z].any()) for z in at], values

    cases = [scored(f"l{k}", lesion_voxels=3) for k in range(5)]
    truths, values = zip(*(plain(one) for one in cases), strict=True)
    for one, truth, score in zip(cases, truths, values, strict=True):
        assert metric.case(view(one)).value == pytest.approx(reference(metric)(truth, score), abs=1e-12)
    pooled = metric.joined([metric.keep(view(one)) for one in cases])
    expected = reference(metric)(np.concatenate(truths), np.concatenate(values))
    assert pooled.value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", SLICE, ids=lambda m: m.name)
def test_slices_without_an_answer(metric):
    everywhere = box((1, 1, (0, 10)))
    assert metric.case(view(case(empty(), empty()))).reason == "no_positive"
    assert metric.case(view(case(empty(), everywhere))).reason == "no_negative"
    assert metric.case(view(case(empty(), everywhere, empty()))).reason == "empty_brain"
    assert metric.keep(view(case(empty(), everywhere, empty()))) is None
    assert metric.joined([]).reason == "no_positive"


def test_a_slice_without_brain_is_skipped_and_a_lesion_outside_the_brain_marks_its_slice():
    brain = box(((0, 12), (0, 5), (0, 4)))
    kept = image.SliceApMax().keep(view(case(empty(), box((1, 9, 2), (1, 1, 7)), brain)))
    assert kept.positive.tolist() == [False, False, True, False]


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_99_percent_quantile_is_the_next_score_above_for_any_number_of_voxels(precision):
    for size in [*range(1, 400), 999, 1001, 4096, 9216, 36864, 300_000, 1_399_999]:
        ranks = np.arange(size, dtype=precision)
        assert image._q99(ranks) == -(-99 * (size - 1) // 100)
