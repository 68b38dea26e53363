"""Uninformative controls."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.nulls import AllBrain, Random


def test_random_has_an_ap_of_the_prevalence_and_an_auroc_of_one_half():
    scan = toy_scans(1, shape=(64, 64, 32))[0]
    lesion = np.zeros(scan.shape, bool)
    lesion[20:40, 20:40, 10:20] = True
    scores = Random().score(scan, Context(seed=3))[scan.brain_mask]
    truth = lesion[scan.brain_mask]
    assert abs(roc_auc_score(truth, scores) - 0.5) < 0.02
    assert abs(average_precision_score(truth, scores) - truth.mean()) < 0.01


def test_random_differs_by_case_and_seed():
    first, second = toy_scans(2)
    maps = [Random().score(s, Context(seed=k)) for s, k in ((first, 0), (second, 0), (first, 1))]
    assert not any(np.array_equal(maps[0], other) for other in maps[1:])


def test_all_brain_is_one_inside_and_zero_outside():
    scan = toy_scans(1)[0]
    answer = AllBrain().score(scan, Context())
    assert (answer[scan.brain_mask] == 1).all()
    assert (answer[~scan.brain_mask] == 0).all()
