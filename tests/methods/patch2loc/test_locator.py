"""The whole network: weight counts, and the gradient of a detached variance."""

import torch

from tests.helpers.networks import weight_count
from tests.helpers.patch2loc import locator
from uad_methods.patch2loc import Patch2Loc


def test_weight_counts_are_as_published() -> None:
    method = Patch2Loc()
    method.channels_ = 1
    net = method.build()
    assert weight_count(net.encoder) == 11_167_680
    assert net.log_variance is not None
    assert weight_count(net.mean) == weight_count(net.log_variance) == 340_194
    assert weight_count(net) == 11_848_068


def test_a_detached_variance_gives_the_encoder_no_gradient() -> None:
    net = locator(network="conv", patch=8, width=4, loss="stirn").train()
    _, log_variance = net(torch.rand(4, 1, 8, 8), torch.rand(4))
    log_variance.sum().backward()
    assert all(p.grad is None for p in net.encoder.parameters())
    assert net.log_variance is not None
    assert all(p.grad is not None for p in net.log_variance.parameters())
