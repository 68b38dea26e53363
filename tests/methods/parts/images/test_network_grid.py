"""Slices on the network's grid and maps back."""

import pytest
import torch

from uad_methods.parts.images.network_grid import from_network, to_network


def test_slices_are_scaled_and_padded_with_background():
    found = to_network(torch.ones(1, 1, 5, 6), 0, 4)
    assert found.shape == (1, 1, 8, 8)
    assert (
        (found[..., :5, :6] == 1).all() and (found[..., 5:, :] == -1).all() and (found[..., 6:] == -1).all()
    )


@pytest.mark.parametrize("side", [0, 9])
def test_maps_return_to_the_grid_of_the_slices(side):
    images = torch.rand(2, 1, 9, 7)
    network = to_network(images, side, 4)
    assert network.shape[-2:] == ((12, 12) if side else (12, 8))
    torch.testing.assert_close(from_network((network[:, 0] + 1) / 2, (9, 7), side), images[:, 0])
