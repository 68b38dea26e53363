"""Toy scans have the properties of prepared scans: background 0, RAS+ grid, read-only, equal at every call."""

import numpy as np
import pytest

from uad_bench.testing import toy_scans


def test_scans_look_like_prepared_ones():
    for scan in toy_scans(3, ("t1", "t2")):
        assert scan.image.shape == (2, *scan.shape)
        assert scan.image.dtype == np.float32
        assert (scan.image[:, ~scan.brain_mask] == 0).all()
        assert scan.image[:, scan.brain_mask].min() > 0
        assert scan.image.max() <= 1
        assert not scan.brain_mask[..., [0, -1]].any()


def test_a_longer_list_begins_with_the_shorter_one():
    for short, long in zip(toy_scans(2), toy_scans(4), strict=False):
        np.testing.assert_array_equal(short.image, long.image)
        assert short.case_id == long.case_id


def test_scans_share_an_anatomy_but_are_not_alike():
    first, second = toy_scans(2)
    both = first.brain_mask & second.brain_mask
    assert 0.8 < np.corrcoef(first.image[0][both], second.image[0][both])[0, 1] < 0.999


def test_scans_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        toy_scans(1)[0].image[0] = 1
