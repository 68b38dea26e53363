"""The interval of a sketch always contains the exact value, and is narrow where there are many voxels."""

import numpy as np
import pytest

from tests.helpers.metric_oracles import draw
from uad_bench.errors import DataError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.score_histogram import Sketch


def sketch(curve):
    (negatives,) = curve.negatives
    return Sketch.of(curve.positives, negatives, curve.missed)


def contains(interval, value):
    return value is None if interval is None else interval.low <= value <= interval.high


def exact(curve):
    best = curve.best_dice()
    return curve.ap(), curve.auroc(), best[0] if best else None


def intervals(found):
    return found.ap(), found.auroc(), found.best_dice()


@pytest.mark.parametrize("zoom", [1, 1e-4])
def test_intervals_contain_the_exact_values(zoom):
    for seed in range(3200):
        scores, lesion = draw(seed)
        scores = (
            scores if zoom == 1 else (1 + zoom * scores.clip(-9, 9)).astype(np.float32)
        )  # bins are shared
        curve = Curve.of(scores, lesion, missed=seed % 3)
        assert all(map(contains, intervals(sketch(curve)), exact(curve))), seed


def test_sketches_add_up_in_any_order():
    for seed in range(100):
        curves = [Curve.of(*draw(10 * seed + k), missed=k) for k in range(5)]
        parts = [sketch(curve) for curve in curves]
        merged = Sketch.merged(parts)
        pairs = [Sketch.merged(parts[:2]), Sketch.merged(parts[2:])]
        assert intervals(merged) == intervals(Sketch.merged(parts[::-1])) == intervals(Sketch.merged(pairs))
        assert all(map(contains, intervals(merged), exact(Curve.pool(curves))))


def test_intervals_of_many_voxels_are_narrow():
    rng = np.random.default_rng(0)
    lesion = rng.random(2_000_000) < 0.02
    scores = np.abs(rng.standard_normal(lesion.size, dtype=np.float32)) + lesion
    for found in intervals(sketch(Curve.of(scores, lesion))):
        assert 0 < found.high - found.low <= 5e-4


def test_bytes_keep_a_sketch():
    for seed in range(200):
        made = sketch(Curve.of(*draw(seed), missed=seed % 3))
        data = made.to_bytes()
        found = Sketch.of_bytes(data)
        assert found.missed == made.missed
        for part in ("positives", "negatives"):
            one, other = getattr(made, part), getattr(found, part)
            assert np.array_equal(one.bins, other.bins)
            assert np.array_equal(one.counts, other.counts)
        assert found.to_bytes() == data


def test_bytes_of_a_volume_are_few():
    rng = np.random.default_rng(0)
    scores = np.abs(rng.standard_normal(1_400_000, dtype=np.float32))
    assert len(sketch(Curve.of(scores, rng.random(scores.size) < 0.02)).to_bytes()) < 70_000


@pytest.mark.parametrize(
    "spoil", [lambda x: x[:-3], lambda x: x[5:], lambda x: b"", lambda x: x[:40] + b"?" + x[41:]]
)
def test_other_bytes_are_refused(spoil):
    data = sketch(Curve.of(*draw(3))).to_bytes()
    with pytest.raises(DataError, match="not a score histogram"):
        Sketch.of_bytes(spoil(data))
