"""Masked squares: their share and the loss."""

import pytest
import torch

from uad_methods.parts.training.masked_squares import SquareDecoder, fill_loss, hide_squares


def test_half_of_the_squares_are_masked_and_the_loss_covers_only_these():
    images = torch.rand(16, 1, 64, 64)
    seen, hidden = hide_squares(images, torch.Generator().manual_seed(0))
    assert hidden.float().mean() == pytest.approx(0.5, abs=0.05)
    assert (seen[hidden] == 0.5).all() and torch.equal(seen[~hidden], images[~hidden])
    assert fill_loss(torch.where(hidden, images, 9.0), images, hidden) == 0
    assert SquareDecoder(256)(torch.rand(2, 256, 16, 16)).shape == (2, 1, 64, 64)
