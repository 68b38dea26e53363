"""Which slice is drawn, and how it lies."""

import numpy as np
import pytest

from uad_bench.figures.slices import Panel, best_slice, robust_range, slice_of


@pytest.fixture
def panel():
    shape = (12, 14, 10)
    brain, lesion = np.zeros(shape, bool), np.zeros(shape, bool)
    brain[2:11, 3:12, 1:9] = True
    brain[2, 3, 4] = False
    lesion[8:10, 9:11, 6] = True
    lesion[8, 9, 3] = True
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Panel("case", "ms", values * 2, values, brain, lesion, (1.0, 2.0, 3.0))


def test_the_slice_has_most_lesion(panel):
    assert best_slice(panel) == slice_of(panel).z == 6


def test_without_lesion_it_has_most_brain(panel):
    panel.lesion_mask[:] = False
    panel.brain_mask[:, :, 7] = True
    assert best_slice(panel) == 7


def test_right_is_right_and_anterior_is_up(panel):
    lesion = slice_of(panel).lesion
    y, x = np.argwhere(lesion).mean(axis=0)
    assert y > lesion.shape[0] / 2 and x > lesion.shape[1] / 2
    assert slice_of(panel).image[2, 2] == panel.image[2, 3, 6]
    assert slice_of(panel).aspect == 2.0


def test_the_map_is_hidden_outside_the_brain_and_kept_inside(panel):
    shown = slice_of(panel).map
    assert np.isnan(shown[0]).all()
    assert np.nanmax(shown) == panel.map[:, :, 6][panel.brain_mask[:, :, 6]].max()


def test_the_range_is_robust_and_never_empty():
    values = np.r_[np.linspace(0, 1, 1000), 1e6].astype(np.float32)
    low, high = robust_range([values[:500], values[500:]])
    assert (low, high) == pytest.approx(tuple(np.percentile(values, [1, 99.5])))
    assert robust_range([np.full(5, 2.0)]) == (1.5, 2.5)
    assert robust_range([]) == (0.0, 1.0)
