"""Maps with 8 bits: at every threshold of the slider they call exactly the voxels of the original."""

import numpy as np
import pytest

from uad_bench.viewer.levels import LEVELS, encode, level_edges, level_of, window_8_bit


@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy"])
def test_i17_every_level_calls_the_voxels_of_the_original(draw):
    rng = np.random.default_rng(0)
    brain = rng.random((12, 14, 10)) < 0.7
    scores = getattr(rng, draw)(size=brain.shape).astype(np.float32)
    rules = [0.3, float(np.float32(1.1)), -50.0, 1e9, np.inf]
    edges = level_edges(scores[brain], rules)
    levels = encode(scores, brain, edges)
    assert len(edges) <= LEVELS and levels[~brain].max() == 0 and levels[brain].min() >= 1
    for level, edge in enumerate(edges, 1):
        assert np.array_equal(levels >= level, brain & (scores >= edge))
    for rule in rules[:-1]:
        assert edges[level_of(rule, edges) - 1] == rule


def test_i17_a_constant_map_has_one_level():
    scores = np.ones((2, 2, 2), np.float32)
    edges = level_edges(scores.ravel(), [])
    assert edges.tolist() == [1.0] and (encode(scores, scores > 0, edges) == 1).all()


def test_i17_many_rules_leave_room_for_other_thresholds():
    scores = np.linspace(0, 1, 5000, dtype=np.float32)
    assert 200 < len(level_edges(scores, np.linspace(0.1, 0.9, 99))) <= LEVELS


def test_i17_an_image_keeps_its_window():
    assert window_8_bit(np.array([0.0, 1.0, 3.0], np.float32), (0.0, 2.0)).tolist() == [0, 128, 255]
