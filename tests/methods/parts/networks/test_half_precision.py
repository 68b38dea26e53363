"""Convolutions in bf16 on a CPU, on maps of one pixel."""

import pytest
import torch
from torch import nn

from uad_methods.parts.networks.half_precision import PaddedConv2d


@pytest.mark.parametrize("side", [1, 2, 5])
@pytest.mark.parametrize("bf16", [False, True])
def test_sums_and_gradients_are_those_of_the_padded_convolution(side, bf16):
    torch.manual_seed(0)
    ours, plain = PaddedConv2d(24, 24, 5), nn.Conv2d(24, 24, 5, padding=2)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(3, 24, side, side)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        found = ours(x).float()
    expected = plain(x)
    tolerance = {"atol": 0.05, "rtol": 0.02} if bf16 else {"atol": 0, "rtol": 0}
    torch.testing.assert_close(found, expected, **tolerance)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad, **tolerance)


def test_gradients_in_bf16_do_not_depend_on_freed_memory():
    """torch's own convolution left the weights that meet only padding with what freed memory held."""
    conv = PaddedConv2d(300, 300, 5, bias=False)
    for _ in range(5):
        freed = [torch.full((1 << size,), torch.nan) for size in range(8, 22)]
        del freed
        conv.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            result = conv(torch.randn(2, 300, 1, 1))
        result.float().square().sum().backward()
        outside = torch.ones(5, 5, dtype=torch.bool)
        outside[2, 2] = False
        assert (conv.weight.grad[..., outside] == 0).all() and conv.weight.grad.isfinite().all()
