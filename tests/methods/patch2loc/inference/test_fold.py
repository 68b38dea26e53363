"""Folded heads against the network."""

import pytest
import torch

from tests.helpers.patch2loc import spread_locator
from uad_methods.patch2loc.inference.exact import ExactLocator


@pytest.mark.parametrize("loss", ["mse", "stirn"])
def test_heads_of_the_other_losses_are_folded(loss):
    net = spread_locator(8, narrow=True, loss=loss)
    x, height = torch.rand(9, 1, 8, 8), torch.rand(9) * 100
    with torch.no_grad():
        expected = net(x, height)
    for found, wanted in zip(ExactLocator(net, 8)(x, height), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
