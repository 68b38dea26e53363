"""Neighbouring slices as channels."""

import numpy as np

from tests.helpers.patch2loc import TRAIN, scan
from uad_methods.patch2loc.neighbour_slices import ScansWithNeighbours, with_neighbours


def test_neighbouring_slices_are_channels_within_their_own_brain() -> None:
    one = scan(3)
    image = with_neighbours(one, 1).image
    inside = one.image[0] * one.brain_mask
    assert image.shape == (3, *one.shape)
    assert np.array_equal(image[0, ..., 1:], inside[..., :-1])
    assert np.array_equal(image[1], inside)
    assert np.array_equal(image[2, ..., :-1], inside[..., 1:])
    assert not image[0, ..., 0].any()
    assert [s.case_id for s in ScansWithNeighbours(TRAIN, 1)[1:3]] == ["toy1", "toy2"]
