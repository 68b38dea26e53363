"""The interval of a sketch always holds the exact number, and is narrow where there are many voxels."""

import numpy as np
import pytest

from tests.evaluate.oracles import draw
from uad_bench.evaluate.counting import keys
from uad_bench.evaluate.curve import Curve
from uad_bench.evaluate.sketch import Sketch


def sketch(curve):
    (negatives,) = curve.negatives
    return Sketch.of(curve.positives, negatives, curve.missed)


def holds(interval, value):
    return value is None if interval is None else interval.low <= value <= interval.high


def exact(curve):
    best = curve.best_dice()
    return curve.ap(), curve.auroc(), best[0] if best else None


def intervals(found):
    return found.ap(), found.auroc(), found.best_dice()


@pytest.mark.parametrize("zoom", [1, 1e-4])
def test_intervals_hold_the_exact_numbers(zoom):
    for seed in range(3200):
        scores, lesion = draw(seed)
        scores = (
            scores if zoom == 1 else (1 + zoom * scores.clip(-9, 9)).astype(np.float32)
        )  # bins are shared
        curve = Curve.of(scores, lesion, missed=seed % 3)
        assert all(map(holds, intervals(sketch(curve)), exact(curve))), seed


def test_sketches_add_up_in_any_order():
    for seed in range(100):
        curves = [Curve.of(*draw(10 * seed + k), missed=k) for k in range(5)]
        parts = [sketch(curve) for curve in curves]
        merged = Sketch.merged(parts)
        assert (
            intervals(merged) == intervals(Sketch.merged(parts[::-1])) == intervals(sum(parts[1:], parts[0]))
        )
        assert all(map(holds, intervals(merged), exact(Curve.pool(curves))))


def test_intervals_of_many_voxels_are_narrow():
    rng = np.random.default_rng(0)
    lesion = rng.random(2_000_000) < 0.02
    scores = np.abs(rng.standard_normal(lesion.size, dtype=np.float32)) + lesion
    for found in intervals(sketch(Curve.of(scores, lesion))):
        assert 0 < found.high - found.low <= 5e-4


def test_keys_are_in_the_order_of_the_scores():
    scores = np.array([-3e38, -1, -1e-45, -0.0, 0.0, 1e-45, 1, 3e38], np.float32)
    found = keys(scores)
    assert found[3] == found[4]
    assert np.array_equal(np.argsort(found, kind="stable"), np.arange(8))
    assert len(set(found.tolist())) == 7
