"""Folded layers and heads against the network."""

import pytest
import torch
from torch import nn

from tests.helpers.patch2loc import spread_locator
from uad_methods.patch2loc.inference.fold import Heads, folded


def test_a_folded_convolution_equals_convolution_and_normalisation():
    conv, norm = nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)
    for value in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(value)
    nn.init.uniform_(norm.running_var, 0.5, 2.0)
    weight, bias = folded(conv, norm)
    x = torch.rand(4, 2, 7, 6).double()
    expected = norm.double().eval()(conv.double()(x))
    torch.testing.assert_close(nn.functional.conv2d(x, weight, bias), expected)


@pytest.mark.parametrize("loss", ["beta_nll", "mse", "stirn"])
def test_folded_heads_equal_those_of_the_network(loss):
    net = spread_locator(8, narrow=True, loss=loss)
    x, height = torch.rand(9, 1, 8, 8), torch.rand(9) * 100
    with torch.no_grad():
        expected = net(x, height)
        found = Heads(net)(net.encoder(x).flatten(1), height)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
