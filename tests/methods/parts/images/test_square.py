"""Resizing to the square and back."""

import pytest
import torch

from uad_methods.parts.images.square import from_square, to_square


@pytest.mark.parametrize("shape", [(80, 96), (33, 50), (51, 17), (64, 64)])
def test_maps_return_from_the_square_to_the_grid(shape):
    x, y = torch.meshgrid(*(torch.linspace(-1, 1, s) for s in shape), indexing="ij")
    image = torch.exp(-3 * (x**2 + y**2))
    square = to_square(image[None, None], 64)
    assert square.shape == (1, 1, 64, 64)
    back = from_square(square[:, 0], shape)[0]
    inner = image > 0.3
    assert (back - image)[inner].abs().max() < 0.06
