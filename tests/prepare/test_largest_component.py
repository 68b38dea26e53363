import numpy as np

from uad_bench.prepare.largest_component import filled_largest_component, largest_component


def test_largest_of_touching_corners_and_of_nothing():
    mask = np.zeros((6, 6, 6), bool)
    mask[:3, :3, :3] = mask[3:, 3:, 3] = True
    assert largest_component(mask).sum() == 27
    assert not largest_component(np.zeros((3, 3, 3), bool)).any()
    assert not filled_largest_component(np.zeros((3, 3, 3), bool)).any()
