"""AUPIMO against its definition, threshold by threshold; the bounds of what is kept."""

import math
from itertools import pairwise

import numpy as np
import pytest

from uad_bench.evaluate.metric import View
from uad_bench.evaluate.metrics.detection.aupimo import HIGHEST, LOWEST, MOST, Aupimo, Lesion, Tail, levels
from uad_bench.types import Scored

RNG = np.random.default_rng(0)


def scan(case_id, scores, lesion=None, *, lost=0):
    grid = np.asarray(scores, np.float32).reshape(1, 1, -1)
    mask = np.zeros(grid.shape, bool) if lesion is None else np.reshape(lesion, grid.shape)
    return Scored(case_id, grid, np.ones(grid.shape, bool), mask, (1.0, 1.0, 1.0), lesion is None, lost=lost)


def value(scans):
    metric = Aupimo()
    kept = [metric.keep(View.of_case(one)) for one in scans]
    return metric.joined([one for one in kept if one is not None])


def brute_force(healthy, cases):
    """The definition: the largest sensitivity of a threshold at each rate, integrated between all attained rates."""
    scores = np.unique(np.concatenate([np.sort(one.map.ravel())[-400:] for one in healthy]))
    every = np.concatenate([scores, [s for one in cases for s in one.map[one.lesion_mask]]])
    thresholds = np.unique([*every, *np.nextafter(every, np.float32(np.inf)), np.float32(np.inf)])
    rates = np.array([np.mean([np.mean(one.map >= t) for one in healthy]) for t in thresholds])
    edges = np.unique(np.clip([LOWEST, HIGHEST, *rates], LOWEST, HIGHEST))
    total = 0.0
    for one in cases:
        positives, n = one.map[one.lesion_mask], one.lesion_mask.sum() + one.lost
        found = np.array([np.count_nonzero(positives >= t) / n for t in thresholds])
        for low, high in pairwise(edges):
            total += found[rates <= low].max() * math.log(high / low) / math.log(HIGHEST / LOWEST)
    return total / len(cases)


@pytest.mark.parametrize("digits", [1, 6])
def test_the_value_is_that_of_the_definition(digits):
    healthy = [scan(f"h{n}", RNG.normal(size=n).round(digits)) for n in (30_000, 50_000, 80_000)]
    cases = [
        scan("a", RNG.normal(3.5, 1, 300).round(digits), RNG.random(300) < 0.3),
        scan("b", RNG.normal(4.5, 1, 50).round(digits), RNG.random(50) < 0.5, lost=4),
    ]
    found = value([*healthy, *cases]).value
    assert found == pytest.approx(brute_force(healthy, cases), abs=1e-9)
    assert 0.1 < found < 0.9


def test_rounding_brings_no_perfect_map_above_1():
    for n in range(2, 12):
        assert value([scan("h", RNG.random(977 * n)), scan("a", [9.0], [True])]).value == pytest.approx(1)
        assert value([scan("h", RNG.random(977 * n)), scan("a", [9.0], [True])]).value <= 1


def test_equal_cases_in_another_order_have_the_same_bits():
    tails = [Tail(np.sort(RNG.normal(size=900).astype(np.float32).round(1)), n) for n in (9000, 7000, 9001)]
    one, other = levels(tails), levels(tails[::-1])
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.weights.sum() == pytest.approx(1)


def test_reasons():
    lesion, healthy = scan("a", [1.0, 2], [True, False]), scan("h", [0.0, 1])
    assert value([lesion]).reason == "no_healthy"
    assert value([healthy]).reason == value([healthy, scan("n", [1.0], [False])]).reason == "no_positive"
    many = [Tail(np.float32([1.0]), 20)] * (MOST + 1)
    assert Aupimo().joined([*many, Lesion(np.float32([2.0]), 1)]).reason == "many_healthy"
    assert value([lesion, healthy]).value == 0
