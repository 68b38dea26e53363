"""Mirrored slices, maps and predictions."""

import pytest
import torch

from uad_methods.patch2loc.mirror import mirror_maps, mirror_slices, unmirror_prediction
from uad_methods.patch2loc.patches import Positions, cut, locations, padded
from uad_methods.patch2loc.scoring import Prediction


@pytest.mark.parametrize("side", [8, 7])
def test_patches_and_predictions_are_mirrored_and_restored(side: int) -> None:
    slices = torch.rand(1, 1, 12, 10)
    turned = mirror_slices(slices)
    assert torch.equal(mirror_maps(mirror_maps(slices, side), side), slices)
    at = Positions(*(torch.tensor([v]) for v in (0, 5, 4)))
    there = Positions(at.slice, 12 - side % 2 - at.x, at.y)
    patch, other = cut(padded(slices, side), at, side), cut(padded(turned, side), there, side)
    assert torch.equal(other.flip(2), patch)
    place = locations(slices)[None]
    back = unmirror_prediction("full", Prediction(place, place.new_ones(1, 12, 10, 3)), side)
    torch.testing.assert_close(back.mean[:, 1:], place[:, 1:])  # for even sides row 0 has no counterpart
    assert (back.spread[..., :2] == 1).all()
    assert (back.spread[..., 2] == -1).all()
