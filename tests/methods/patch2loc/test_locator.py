"""The whole network: weight counts, and the gradient of a detached variance."""

import pytest
import torch

from tests.helpers.networks import weight_count
from tests.helpers.patch2loc import locator
from uad_methods.patch2loc import Patch2Loc


def test_weight_counts_are_as_published() -> None:
    method = Patch2Loc()
    method.channels_, method.shape_ = 1, (192, 192, 100)
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


@pytest.mark.parametrize("network", ["resnet", "conv"])
def test_heads_are_float32_under_autocast(network: str) -> None:
    """Parity 6: places near 70 % were multiples of 0.5 % where the heads computed in bf16."""
    net = locator(network=network, patch=8, width=4, narrow=True).train()
    last = net.mean[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.constant_(last.bias, 70.0 - float(net.centre[0]))
    patches, height = torch.rand(64, 1, 8, 8), torch.rand(64) * 100
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = net(patches, height)
    assert mean.dtype == log_variance.dtype == torch.float32
    assert ((mean * 2) % 1 != 0).float().mean() > 0.9 and (mean - 70).abs().max() < 20
    exact, _ = net(patches, height)
    assert (mean - exact).abs().mean() < 0.1  # the rounding of the encoder alone
