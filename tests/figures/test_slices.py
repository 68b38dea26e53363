"""Which slice is shown, and its orientation."""

import numpy as np
import pytest

from uad_bench.figures.slices import CaseImages, axial_slice, robust_range, slice_index


@pytest.fixture
def case():
    shape = (12, 14, 10)
    brain, lesion = np.zeros(shape, bool), np.zeros(shape, bool)
    brain[2:11, 3:12, 1:9] = True
    brain[2, 3, 4] = False
    lesion[8:10, 9:11, 6] = True
    lesion[8, 9, 3] = True
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return CaseImages("case", "ms", values * 2, values, brain, lesion, (1.0, 2.0, 3.0))


def test_the_slice_has_most_lesion_voxels(case):
    assert slice_index(case) == axial_slice(case).z == 6


def test_without_a_lesion_it_has_most_brain_voxels(case):
    case.lesion_mask[:] = False
    case.brain_mask[:, :, 7] = True
    assert slice_index(case) == 7


def test_x_increases_to_the_right_and_y_upwards(case):
    lesion = axial_slice(case).lesion
    y, x = np.argwhere(lesion).mean(axis=0)
    assert y > lesion.shape[0] / 2 and x > lesion.shape[1] / 2
    assert axial_slice(case).image[2, 2] == case.image[2, 3, 6]
    assert axial_slice(case).aspect == 2.0


def test_the_map_is_nan_outside_the_brain_and_unchanged_inside(case):
    shown = axial_slice(case).map
    assert np.isnan(shown[0]).all()
    assert np.nanmax(shown) == case.map[:, :, 6][case.brain_mask[:, :, 6]].max()


def test_the_range_is_robust_and_never_empty():
    values = np.r_[np.linspace(0, 1, 1000), 1e6].astype(np.float32)
    low, high = robust_range([values[:500], values[500:]])
    assert (low, high) == pytest.approx(tuple(np.percentile(values, [1, 99.5])))
    assert robust_range([np.full(5, 2.0)]) == (1.5, 2.5)
    assert robust_range([]) == (0.0, 1.0)
